#!/usr/bin/env bash
# A SLURM of one node on the loopback interface, for tests: `one_node.sh start`, `one_node.sh stop`.
#
# Needs root, and Debian's packages: apt-get install --no-install-recommends slurm-wlm munge
# A machine that has a SLURM of its own is left alone: /etc/slurm/slurm.conf is written only where there is none, or one
# that this script wrote.
set -euo pipefail

conf=/etc/slurm/slurm.conf
mark="# written by tests/cluster/one_node.sh"
state=/tmp/one_node_slurm

fail() { echo "Error: $1" >&2; exit 1; }

ours() { [[ ! -e $conf ]] || grep -qF "$mark" "$conf"; }

# the process named in a pid file, if it still runs that program
running() { [[ -s $state/$1.pid ]] && [[ $(cat "/proc/$(cat "$state/$1.pid")/comm" 2>/dev/null) == "$1" ]]; }

start() {
    [[ $EUID == 0 ]] || fail "a SLURM can only be started as root"
    for program in slurmctld slurmd munged sbatch; do
        command -v $program >/dev/null || fail "$program is missing: apt-get install --no-install-recommends slurm-wlm munge"
    done
    ours || fail "$conf is another SLURM's; nothing was started"
    local name cores memory
    name=$(hostname -s) cores=$(nproc) memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    mkdir -p "$state/state" "$state/spool" /etc/slurm
    cat >"$conf" <<CONF
$mark
ClusterName=one
SlurmctldHost=$name(127.0.0.1)
SlurmUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
StateSaveLocation=$state/state
SlurmdSpoolDir=$state/spool
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# a job over its memory is killed, looked at every two seconds
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
# finished jobs stay to be asked about: without accounting squeue alone tells of them
MinJobAge=600
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName=$name NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    if ! pgrep -x munged >/dev/null; then
        [[ -s /etc/munge/munge.key ]] || fail "/etc/munge/munge.key is missing; the package munge makes it"
        install -d -o munge -g munge -m 755 /run/munge
        runuser -u munge -- munged
        touch "$state/munged_is_ours"
    fi
    running slurmctld || slurmctld -c
    running slurmd || slurmd
    for _ in $(seq 40); do
        [[ $(sinfo --noheader --format %T 2>/dev/null) == idle ]] && { echo "SLURM of one node: $name, $cores cores, $memory MB"; return; }
        sleep 0.5
    done
    tail -n 5 "$state"/slurm*.log >&2
    fail "the node did not come up; see $state/*.log"
}

stop() {
    ours || fail "$conf is another SLURM's; nothing was stopped"
    scancel --state=RUNNING --user=root 2>/dev/null || true
    for program in slurmd slurmctld; do
        if running $program; then
            kill "$(cat "$state/$program.pid")"
            for _ in $(seq 40); do running $program || break; sleep 0.5; done
        fi
    done
    if [[ -e $state/munged_is_ours ]]; then pkill -x munged || true; fi
    rm -rf "$conf" "$state"
    echo "SLURM stopped"
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    *) fail "say start or stop" ;;
esac
