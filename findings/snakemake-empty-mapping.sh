#!/usr/bin/env bash
# Snakemake 9.27.1: `{}` in a config laid over another leaves a `false` as it was; `null` and `{setting: 1}` replace it.
#
# Expected: a value in a later --configfile takes the place of the earlier one. `step: false` in the workflow's config
# and `step: {}` (this step, with its defaults) in the user's should end as {}, as the user's null ends as null.
# Seen: mappings are merged entry by entry into what is there, whatever that is. An empty one has no entry, so `false`
# stays, and the step is left out without a word. One with entries replaces it.
# What to do: do not write `false` for what a user's config may switch on by a mapping; leave the key out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1

cat > Snakefile <<'RULES'
configfile: "base.yaml"
print("step =", config["step"])
rule all:
    shell: "true"
RULES
echo 'step: false' > base.yaml
seen=""
for value in '{}' 'null' '{cells: 24}'; do
    echo "step: $value" > user.yaml
    found=$(env/bin/snakemake --dry-run --quiet all --configfile user.yaml 2>&1 | sed -n 's/^step = //p' | head -n 1)
    echo "false, with $value laid over it: $found"
    seen="$seen$found;"
done
[ "$seen" = "False;None;{'cells': 24};" ] || { echo "changed: an empty mapping no longer leaves false as it was"; exit 1; }
