#!/bin/sh
# Starts the server of the container image: options alone mean the image's own configuration with
# these options behind it; a configuration file stands for itself, but that protected mode is off
# unless it says otherwise; anything else is a command.
set -eu
image_conf=/etc/redeno/redeno.conf

case "${1:-}" in
  -v | --version | -h | --help | *.conf) set -- redeno "$@" ;;
  '' | -*) set -- redeno "$image_conf" "$@" ;;
esac

if [ "$1" = redeno ]; then
  case "${2:-}" in
    "$image_conf" | -v | --version | -h | --help) ;;
    '' | -*)
      shift
      set -- redeno "$image_conf" "$@"
      ;;
    *.conf)
      # Clients are outside of the container: with protected mode, nobody could use the server.
      if ! grep -Eiq '^[[:space:]]*(protected-mode|include)[[:space:]]' "$2"; then
        conf=$2
        shift 2
        set -- redeno "$conf" --protected-mode no "$@"
      fi
      ;;
  esac
fi

# Data files are nobody else's business.
umask 0077

# A directory of the host belongs to whoever made it; the server must be able to write there.
if [ "$1" = redeno ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redeno -exec chown redeno:redeno '{}' +
  exec setpriv --reuid=redeno --regid=redeno --init-groups --no-new-privs -- "$@"
fi
if [ "$1" = redeno ] && [ ! -w . ]; then
  echo "The user $(id -u) may not write to $(pwd): no data can be saved there." >&2
fi
exec "$@"
