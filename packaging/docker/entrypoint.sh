#!/bin/sh
# Starts the server of the container image: options alone mean the image's own configuration with
# these options behind it; a configuration file stands for itself; anything else is a command.
set -eu

case "${1:-}" in
  '' | -*) set -- redeno /etc/redeno/redeno.conf "$@" ;;
  *.conf) set -- redeno "$@" ;;
esac

# Data files are nobody else's business.
umask 0077
exec "$@"
