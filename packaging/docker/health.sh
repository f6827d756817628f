#!/bin/sh
# Whether the server of this container lives: it answers, even if it wants a password first or is
# still loading its data (REDISCLI_AUTH may hold a password). It is asked where its command line and
# its configuration file say that it listens.
#
#   redeno-health          the server in this container
#   redeno-health PID      this process
set -eu

server_pid() {
  for directory in /proc/[0-9]*; do
    [ "$(cat "$directory/comm" 2>/dev/null)" = redeno ] || continue
    # What this script runs has the same name.
    case "$(tr '\0' ' ' <"$directory/cmdline" 2>/dev/null)" in
      *redeno\ cli\ *) ;;
      *) basename "$directory" && return ;;
    esac
  done
}

pid=${1:-$(server_pid)}
[ -n "$pid" ] || { echo "There is no server." && exit 1; }
words=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed 1d)
conf=$(printf '%s\n' "$words" | sed -n '1{/^-/!p;}')

# The last value of a directive; what the command line says comes after the file.
directive() {
  {
    [ -z "$conf" ] || sed -n "s/^[[:space:]]*$1[[:space:]]\{1,\}//Ip" "$conf"
    printf '%s\n' "$words" | sed -n "/^--$1\$/{n;p;}"
  } | tail -n 1 | tr -d "\"' \r"
}

alive='PONG|NOAUTH|LOADING'
port=$(directive port)
tls_port=$(directive tls-port)
if [ "${port:-6379}" != 0 ]; then
  set -- -p "${port:-6379}"
elif [ "${tls_port:-0}" != 0 ]; then
  # It is our own, whatever name its certificate has; one that wants to see ours lives, too.
  alive="$alive|Certificate|closed the connection"
  set -- --tls --insecure -p "$tls_port"
else
  set -- -s "$(directive unixsocket)"
fi
redeno cli "$@" ping 2>&1 | grep --extended-regexp "$alive"
