#!/usr/bin/env bash
# Measures what a cluster costs in comparison with a single node, on one machine: latency and processor time.
#   deploy/cost.sh                                 a single node, and clusters of 2 and 4 silos with one gateway each; takes about 12 minutes
#   CLUSTERS="2" ROUNDS=1 deploy/cost.sh
#   TURNS="--durable-turns false" deploy/cost.sh   without the saves that let turns survive their node (SQLite on the node, PostgreSQL in clusters)
# All targets run at the same time and are warmed up. They are measured in turns, so that other work of the machine affects all of them.
# A cluster of more than two silos is also measured with as much load for each silo as a cluster of two has.
# Processor time is the sum over all nodes; that of PostgreSQL is reported separately.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program() { echo "$here/$1/bin/Release/net10.0/CozeCluster.$(basename "$1")"; }

# local-cluster.sh calls this when a cluster runs. It writes the addresses to a file, and keeps the cluster until the file is deleted.
if [[ ${1:-} == in-cluster ]]; then
  node_pids=$(echo "$CLUSTER_GATEWAY_PIDS $CLUSTER_SILO_PIDS" | tr ' ' ',')
  echo "${CLUSTER_GATEWAYS%% *} $CLUSTER_KEY $CLUSTER_MODEL $node_pids $CLUSTER_SANDBOX_PID $CLUSTER_POSTGRES_PID" > "$2.new"
  mv "$2.new" "$2"
  while [[ -f $2 ]]; do sleep 0.5; done
  exit
fi

# The processor time that PostgreSQL and its child processes have used, in clock ticks.
postgres_ticks() {
  [[ -n $1 ]] || { echo 0; return; }
  local pid
  for pid in "$1" $(pgrep -P "$1"); do sed 's/.*) //' "/proc/$pid/stat" 2> /dev/null || true; done \
    | awk '{ sum += $12 + $13 + $14 + $15 } END { print sum + 0 }'
}

# load TARGET OPTIONS…: runs one load against a target.
load() {
  local url key model pids upstream postgres
  read -r url key model pids upstream postgres < "$work/targets/$1"
  DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1 "$(program bench/Load)" --target "$1" --api openai --key "$key" --model "$model" \
    --url "$url/v1/chat/completions" --server-pid "$pids" --upstream-pid "$upstream" "${@:2}"
}
# Long enough for the JIT compiler to optimize all code paths.
warm_up() { # TARGET
  load "$1" --streams 32 --chunks 20 --seconds 10
  load "$1" --streams 64 --chunks 1 --seconds 20
  load "$1" --streams 200 --pace 50 --chunks 200 --ramp 5 --seconds 25
}
measure() { # TARGET TIMES-THE-LOAD
  local before postgres seconds=${SECONDS_EACH:-10}
  read -r _ _ _ _ _ postgres < "$work/targets/$1"
  before=$(postgres_ticks "$postgres")
  load "$1" --name paced --streams $((200 * $2)) --pace 50 --chunks 200 --ramp 5 --warmup 2 --seconds "$seconds"
  load "$1" --name first --streams $((20 * $2)) --chunks 10 --stall 500 --seconds "$seconds"
  load "$1" --name single --streams $((32 * $2)) --chunks 1 --seconds "$seconds"
  [[ -z $postgres ]] || echo "  PostgreSQL: $(($(postgres_ticks "$postgres") - before)) hundredths of a second of processor time in this round"
}

work=$(mktemp -d)
mkdir "$work/targets" "$work/results"
started=()
finish() {
  local id
  # Clusters stop when their files are deleted.
  rm -rf "$work/targets"
  for id in "${started[@]}"; do kill "$id" 2> /dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

dotnet build "$here/src/Silo" -c Release -v q --nologo
dotnet build "$here/src/Sandbox" -c Release -v q --nologo
dotnet build "$here/bench/Load" -c Release -v q --nologo

# The single node is the same build without a database server.
"$(program src/Sandbox)" --urls http://127.0.0.1:22001 > "$work/sandbox.log" 2>&1 &
started+=($!)
cat > "$work/fleet.yaml" <<FLEET
tenants:
  - id: local
    keys: [{ name: user, key: key-of-the-cluster }]
accounts:
  - { id: sandbox, upstream: coze, base_url: "http://127.0.0.1:22001/coze", token: pat_sandbox }
bots:
  - { id: one, upstream: coze, bot_id: "7350000000000000001", accounts: [sandbox] }
  - { id: two, upstream: coze, bot_id: "7350000000000000002", accounts: [sandbox] }
models:
  - { id: coze-sandbox, bots: [one, two] }
FLEET
# shellcheck disable=SC2086 # TURNS is split into words on purpose
"$(program src/Silo)" --fleet "$work/fleet.yaml" --data "$work/data" --port 22002 --log-level warning ${TURNS:-} > "$work/node.log" 2>&1 &
started+=($!)
for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:22002/health/ready 2> /dev/null && break; sleep 0.2; done
echo "http://127.0.0.1:22002 key-of-the-cluster coze-sandbox ${started[1]} ${started[0]} " > "$work/targets/single"

targets=(single)
for silos in ${CLUSTERS:-2 4}; do
  BUILT=1 SILOS=$silos GATEWAYS=1 PORT=$((22100 + 2000 * silos)) BASE_PORT=$((22200 + 2000 * silos)) LOG_LEVEL=warning NODE_OPTIONS=${TURNS:-} \
    "$here/deploy/local-cluster.sh" "$here/deploy/cost.sh" in-cluster "$work/targets/silos-$silos" > "$work/silos-$silos.log" 2>&1 &
  cluster=$!
  until [[ -f $work/targets/silos-$silos ]]; do
    kill -0 "$cluster" 2> /dev/null || { cat "$work/silos-$silos.log" >&2; exit 1; }
    sleep 0.5
  done
  targets+=("silos-$silos")
done

for target in "${targets[@]}"; do warm_up "$target" > /dev/null; done
for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
  for target in "${targets[@]}"; do
    measure "$target" 1 | tee -a "$work/results/$target"
    silos=${target#silos-}
    [[ $silos == single || $silos -le 2 ]] || measure "$target" $((silos / 2)) | tee -a "$work/results/$target, $((silos / 2)) times the load"
  done
done

# A table of medians over all rounds.
for file in "$work/results"/*; do
  awk -v target="$(basename "$file")" '
    function median(name,   n, i, j, swap) {
      n = count[name]
      for (i = 1; i <= n; i++)
        for (j = i + 1; j <= n; j++)
          if (value[name, j] < value[name, i]) { swap = value[name, i]; value[name, i] = value[name, j]; value[name, j] = swap }
      return n ? value[name, int((n + 1) / 2)] : "–"
    }
    function note(name, what) { value[name, ++count[name]] = what + 0 }
    /^(paced|first|single),/ { run = substr($1, 1, length($1) - 1) }
    /^  first text/ { note(run " text", $3) }
    /^  cpu/ { note(run " delta", $2); note(run " reply", $3) }
    /^  errors/ { errors += $2 }
    /^  PostgreSQL/ { note("postgres", $2) }
    END {
      if (!errors) errors = 0
      printf "| %s | %s | %s | %s | %s | %s | %d |\n", target, median("paced delta"), median("paced reply"), median("first text"),
        median("single reply"), median("postgres"), errors
    }' "$file"
done > "$work/rows"
echo
echo "| target | paced: CPU per delta, µs | paced: CPU per reply, µs | first text p50, ms | single: CPU per reply, µs | PostgreSQL per round, cs | errors |"
echo "|---|---:|---:|---:|---:|---:|---:|"
cat "$work/rows"
