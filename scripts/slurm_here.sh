#!/usr/bin/env bash
# A real SLURM of one node on this machine, without systemd: for the tests of `--submit`.
#
#   scripts/slurm_here.sh start FOLDER    install if need be, start, wait until the node is idle
#   scripts/slurm_here.sh stop FOLDER     end what was started there
#
# Debian's packages slurm-wlm and munge; root is needed. State, spool, keys and logs lie in FOLDER.
# `export SLURM_CONF=FOLDER/slurm.conf` lets sbatch, squeue and scontrol find it.
# Exit 3: the packages cannot be had here, so nothing that needs SLURM has been tested.
set -euo pipefail
action=${1:?start or stop}
folder=$(realpath -m "${2:?a folder for state and logs}")
sbin=/usr/sbin

end() { # end one process by the number in its file, if it is still that program
  local file=$1 program=$2 pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file")
  if grep -q "$program" "/proc/$pid/comm" 2>/dev/null; then kill "$pid" 2>/dev/null || true; fi
  for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
  rm -f "$file"
}

if [ "$action" = stop ]; then
  end "$folder/slurmd.pid" slurmd
  end "$folder/slurmctld.pid" slurmctld
  end "$folder/munged.pid" munged
  exit 0
fi

if ! command -v sbatch >/dev/null || ! [ -x $sbin/munged ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null \
    && { apt-get install -y -q slurm-wlm munge >/dev/null 2>&1 \
      || { apt-get update -q >/dev/null 2>&1 && apt-get install -y -q slurm-wlm munge >/dev/null 2>&1; }; } \
    || { echo "slurm_here: Debian's slurm-wlm and munge cannot be had here; SLURM WAS NOT TESTED" >&2; exit 3; }
fi

mkdir -p "$folder"/{state,spool,munge,log}
chmod 755 "$folder"
# munged refuses a socket or key under a folder that others may write to: its own goes to /run.
run=/run/brainage-munge-$(printf %s "$folder" | cksum | cut -d' ' -f1)
mkdir -p "$run"
dd if=/dev/urandom of="$run/munge.key" bs=1024 count=1 status=none
chown -R munge:munge "$run"
chmod 755 "$run"
chmod 400 "$run/munge.key"
su -s /bin/sh munge -c "$sbin/munged --force --key-file=$run/munge.key --socket=$run/munge.socket \
  --pid-file=$run/munged.pid --log-file=$run/munged.log --seed-file=$run/munged.seed"
cp "$run/munged.pid" "$folder/munged.pid"

cores=$(getconf _NPROCESSORS_ONLN)
memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
port=$((20000 + $$ % 20000))
cat >"$folder/slurm.conf" <<CONF
ClusterName=brainage
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$run/munge.socket
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SchedulerParameters=sched_interval=1,bf_interval=1
NodeName=localhost CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=here Nodes=localhost Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$folder/slurm.conf
$sbin/slurmctld -f "$SLURM_CONF"
$sbin/slurmd -f "$SLURM_CONF" -N localhost
for _ in $(seq 60); do
  if sinfo -h -o %T 2>/dev/null | grep -q '^idle'; then
    echo "slurm_here: one node of $cores cores; export SLURM_CONF=$SLURM_CONF"
    exit 0
  fi
  sleep 0.5
done
echo "slurm_here: the node did not become idle; see $folder/log" >&2
tail -5 "$folder"/log/*.log >&2
exit 1
