#!/usr/bin/env bash
# Snakemake 9.27.1: a run ends up to one timespan of --max-jobs-per-timespan after its last job.
#
# Expected: the option bounds how many jobs start per timespan (1000 in 6 s here). One job of 0.1 s is far below it, so that
# the run ends when the job does.
# Seen: each time jobs are chosen, a timer is set to look again after the timespan, and Python waits for it at its end: the
# output is there, the summary is printed, and the command returns 6 s after the job was chosen. With the default of
# 100/1s it is 1 s, which hides it; with a timespan of a minute, as a shared cluster may ask for, a minute.
# What to do: cancel the process's `threading.Timer`s in `onsuccess` and `onerror`, or keep timespans short.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1

cat > Snakefile <<'RULES'
rule all:
    output: "done.txt"
    shell: "sleep 0.1; date +%s.%N > done.txt"
RULES
cp Snakefile cancelled.smk
cat >> cancelled.smk <<'RULES'
onsuccess:
    import threading
    [each.cancel() for each in threading.enumerate() if isinstance(each, threading.Timer)]
RULES

# seconds from the end of the job to that of the run
waited() {
    rm -f done.txt
    env/bin/snakemake --cores 1 --quiet all --snakefile "$1" --max-jobs-per-timespan "$2" >/dev/null 2>&1
    python3 -c "import time; print(round(time.time() - float(open('done.txt').read()), 1))"
}
long=$(waited Snakefile 1000/6s) short=$(waited Snakefile 1000/1s) cancelled=$(waited cancelled.smk 1000/6s)
echo "from the job's end to the run's: $long s with 1000/6s, $short s with 1000/1s, $cancelled s with 1000/6s and no timers"
python3 -c "raise SystemExit(not (4 < $long < 9 and $short < 3 and $cancelled < 3))" ||
    { echo "changed: a run no longer waits for a timer at its end"; exit 1; }
