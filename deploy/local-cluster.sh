#!/usr/bin/env bash
# Runs the topology of compose.yaml as processes on loopback: PostgreSQL, the schema, silos, gateways, HAProxy if it is installed, and the sandbox.
#   deploy/local-cluster.sh                               two silos and two gateways, until Ctrl+C
#   SILOS=3 GATEWAYS=2 deploy/local-cluster.sh
#   deploy/local-cluster.sh some-command with arguments   until the command has ended; its environment has the CLUSTER_ variables that are printed
#   FLEET=fleet.yaml deploy/local-cluster.sh              your own fleet instead of one on the sandbox
# Requires Debian's postgresql. When the script ends, it stops everything that it started, and deletes its files.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

SILOS=${SILOS:-2}
GATEWAYS=${GATEWAYS:-2}
PORT=${PORT:-8080}                      # the load balancer
BASE_PORT=${BASE_PORT:-21000}           # everything else uses ports from here on
DRAIN_NOTICE=${DRAIN_NOTICE:-0s}        # a load balancer needs 3s
DRAIN_TIME=${DRAIN_TIME:-10s}
LOG_LEVEL=${LOG_LEVEL:-information}
NODE_ENV=${NODE_ENV:-}                  # environment variables for the nodes only: NAME=value …
NODE_OPTIONS=${NODE_OPTIONS:-}          # command-line options for the nodes

work=$(mktemp -d)
chmod 755 "$work"
declare -A pid
started=()
is_node() { [[ $1 == gateway-* || $1 == silo-* ]]; }
wait_for() { wait "${pid[$1]}" 2> /dev/null || true; }
finish() {
  local index name
  trap '' INT TERM
  # In reverse order, so that callers stop before what they call. All nodes drain at the same time.
  for ((index = ${#started[@]} - 1; index >= 0; index--)); do
    name=${started[index]}
    kill -TERM "${pid[$name]}" 2> /dev/null || true
    is_node "$name" || wait_for "$name"
    [[ $name == silo-1 ]] || continue
    for name in "${started[@]}"; do if is_node "$name"; then wait_for "$name"; fi; done
  done
  if [[ -n ${KEEP:-} ]]; then mkdir -p "$KEEP" && cp "$work"/*.log "$KEEP"; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND…: starts a command in the background, and remembers its process id.
start() {
  local name=$1
  shift
  "$@" > "$work/$name.log" 2>&1 &
  pid[$name]=$!
  started+=("$name")
}
# await NAME COMMAND…: waits until the command succeeds; fails if the process NAME ends.
await() {
  local name=$1 tries
  shift
  for ((tries = 0; tries < 300; tries++)); do
    if "$@" > /dev/null 2>&1; then return; fi
    if ! kill -0 "${pid[$name]}" 2>/dev/null; then break; fi
    sleep 0.2
  done
  echo "$name did not start:" >&2
  tail -n 20 "$work/$name.log" >&2
  exit 1
}
answers() { curl -fsS -o /dev/null --max-time 2 "$1"; }

if [[ -z ${BUILT:-} ]]; then
  dotnet build "$here/src/Silo" -c Release -v q --nologo
  dotnet build "$here/src/Sandbox" -c Release -v q --nologo
fi
program() { echo "$here/src/$1/bin/Release/net10.0/CozeCluster.$1"; }

# PostgreSQL refuses to run as root, so it runs as the user postgres then.
PATH=$PATH:/usr/sbin:$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as_user=()
[[ $EUID -ne 0 ]] || as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
postgres_port=$BASE_PORT
install -d -m 700 "$work/postgres"
[[ $EUID -ne 0 ]] || chown postgres "$work/postgres"
(cd / && "${as_user[@]}" initdb -D "$work/postgres" -U postgres -A trust -E UTF8 --no-locale) > "$work/initdb.log"
cd "$work"
start postgres "${as_user[@]}" postgres -D "$work/postgres" -p "$postgres_port" \
  -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=500
await postgres psql -h 127.0.0.1 -p "$postgres_port" -U postgres -c 'SELECT 1'

SANDBOX_URL=http://127.0.0.1:$((BASE_PORT + 1))
PORT='' start sandbox "$(program Sandbox)" --urls "$SANDBOX_URL"
await sandbox answers "$SANDBOX_URL/coze/sandbox/counts"
if [[ -n ${FLEET:-} ]]; then FLEET=$(realpath "$OLDPWD/$FLEET" 2>/dev/null || realpath "$FLEET"); else
  FLEET=$work/fleet.yaml
  cat > "$FLEET" <<FLEET
tenants:
  - id: local
    keys:
      - { name: user, key: key-of-the-cluster }
      - { name: admin, key: key-of-the-admin, admin: true }
accounts:
  - { id: sandbox, upstream: coze, base_url: "$SANDBOX_URL/coze", token: pat_sandbox }
bots:
  - { id: one, upstream: coze, bot_id: "7350000000000000001", accounts: [sandbox] }
  - { id: two, upstream: coze, bot_id: "7350000000000000002", accounts: [sandbox] }
models:
  - { id: coze-sandbox, bots: [one, two] }
FLEET
fi

export COZECLUSTER_POSTGRES="Host=127.0.0.1;Port=$postgres_port;Username=postgres;Database=postgres"
COZECLUSTER_SECRETS_KEY=$(head -c 32 /dev/urandom | base64)
export COZECLUSTER_SECRETS_KEY
"$(program Silo)" schema apply > "$work/schema.log" 2>&1 || { cat "$work/schema.log" >&2; exit 1; }

node() { # NAME HTTP-PORT OPTIONS…
  local name=$1 port=$2
  shift 2
  # shellcheck disable=SC2086 # NODE_ENV and NODE_OPTIONS are split into words on purpose
  start "$name" env $NODE_ENV "$(program Silo)" --port "$port" --data "$work/data-$name" \
    --drain-notice "$DRAIN_NOTICE" --drain-time "$DRAIN_TIME" --log-level "$LOG_LEVEL" $NODE_OPTIONS "$@"
}
silos=() gateways=() silo_pids=() gateway_pids=()
for ((number = 1; number <= SILOS; number++)); do
  http=$((BASE_PORT + 100 + number))
  node "silo-$number" "$http" --role silo --silo-port $((BASE_PORT + 200 + number)) --client-port $((BASE_PORT + 300 + number)) --fleet "$FLEET"
  silos+=("http://127.0.0.1:$http") silo_pids+=("${pid[silo-$number]}")
  # The first silo must be ready before the others join it.
  [[ $number -gt 1 ]] || await silo-1 answers "http://127.0.0.1:$http/health/ready"
done
for ((number = 1; number <= GATEWAYS; number++)); do
  http=$((BASE_PORT + 400 + number))
  node "gateway-$number" "$http" --role gateway
  gateways+=("http://127.0.0.1:$http") gateway_pids+=("${pid[gateway-$number]}")
done
for ((number = 1; number <= SILOS; number++)); do await "silo-$number" answers "${silos[number - 1]}/health/ready"; done
for ((number = 1; number <= GATEWAYS; number++)); do await "gateway-$number" answers "${gateways[number - 1]}/health/ready"; done

URL=${gateways[0]}
if command -v haproxy > /dev/null; then
  URL=http://127.0.0.1:$PORT
  sed '/server-template/,$d' "$here/deploy/loadbalancer.conf" > "$work/loadbalancer.conf"
  for ((number = 1; number <= GATEWAYS; number++)); do
    echo "    server gateway-$number ${gateways[number - 1]#http://} check" >> "$work/loadbalancer.conf"
  done
  LISTEN=127.0.0.1:$PORT start haproxy haproxy -db -f "$work/loadbalancer.conf"
  await haproxy answers "$URL/health/ready"
fi

join() { local IFS=' '; echo "$*"; }
CLUSTER_URL=$URL CLUSTER_SANDBOX=$SANDBOX_URL CLUSTER_KEY=key-of-the-cluster CLUSTER_MODEL=coze-sandbox
CLUSTER_GATEWAYS=$(join "${gateways[@]}") CLUSTER_SILOS=$(join "${silos[@]}")
CLUSTER_GATEWAY_PIDS=$(join "${gateway_pids[@]}") CLUSTER_SILO_PIDS=$(join "${silo_pids[@]}")
CLUSTER_SANDBOX_PID=${pid[sandbox]} CLUSTER_POSTGRES_PID=${pid[postgres]}
export CLUSTER_URL CLUSTER_SANDBOX CLUSTER_KEY CLUSTER_MODEL CLUSTER_GATEWAYS CLUSTER_SILOS
export CLUSTER_GATEWAY_PIDS CLUSTER_SILO_PIDS CLUSTER_SANDBOX_PID CLUSTER_POSTGRES_PID
env | grep '^CLUSTER_' | sort
echo "logs: $work"

if [[ $# -gt 0 ]]; then
  cd "$here"
  "$@"
else
  body="{\"model\":\"$CLUSTER_MODEL\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"
  echo "Try: curl $CLUSTER_URL/v1/chat/completions -H 'Authorization: Bearer $CLUSTER_KEY' -H 'Content-Type: application/json' -d '$body'"
  echo "Ctrl+C stops everything."
  wait -n "${pid[@]}"
  echo "A process of the cluster ended unexpectedly." >&2
  exit 1
fi
