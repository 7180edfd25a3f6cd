#!/usr/bin/env bash
# Install Debian packages of daemons for their binaries alone (as root; scripts/bootstrap.sh calls this).
#
# Debian starts and enables what it installs. Here nothing is started, and nothing is enabled that was not before:
# policy-rc.d forbids it while apt works; links that enable a service and the system user that the packages add are taken
# back afterwards, so that /etc/passwd is what it was (docs/adr/0009).
set -euo pipefail

POLICY=/usr/sbin/policy-rc.d
SAVED=/usr/sbin/policy-rc.d.bongsu-saved
WANTED=/usr/sbin/policy-rc.d.bongsu-none

say() { printf 'bootstrap: %s\n' "$*"; }

# Links by which systemd or SysV init would start a prometheus service at boot.
enabling_links() {
  for link in /etc/systemd/system/*.wants/prometheus* /etc/systemd/system/*.requires/prometheus* /etc/rc[0-9S].d/S??prometheus*; do
    if [ -L "$link" ]; then echo "$link"; fi
  done
}

service_of() {
  local name=${1##*/}
  name=${name%.service}
  case $1 in /etc/rc*) name=${name#S??} ;; esac
  echo "$name"
}

# While it is there it forbids prometheus services to start and asks the previous policy about everything else. It
# counts only as long as this script lives, so that not even kill -9 leaves a machine that starts nothing.
place_policy() {
  restore_policy # of a run that was killed
  if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then
    cp -a "$POLICY" "$SAVED.new"
    mv "$SAVED.new" "$SAVED"
  else
    : >"$WANTED"
  fi
  cat >"$POLICY.new" <<TEXT
#!/bin/sh
# Placed by scripts/debian-packages.sh of bongsu while process $$ installs packages; removed at its end.
case "\$1" in prometheus*) if kill -0 $$ 2>/dev/null; then exit 101; fi ;; esac
if [ -x $SAVED ]; then exec $SAVED "\$@"; fi
exit 0
TEXT
  chmod 0755 "$POLICY.new"
  mv "$POLICY.new" "$POLICY"
}

restore_policy() {
  if [ -e "$SAVED" ] || [ -L "$SAVED" ]; then
    mv "$SAVED" "$POLICY"
  elif [ -e "$WANTED" ]; then
    rm -f "$POLICY" "$WANTED"
  fi
}

take_back() {
  local link service
  while read -r link; do
    if [ -z "$link" ] || grep -qxF "$link" <<<"$before"; then continue; fi
    service=$(service_of "$link")
    case $link in
      /etc/rc*) update-rc.d "$service" disable >/dev/null ;;
      *) systemctl --quiet disable "$service" 2>/dev/null || rm -f "$link" ;;
    esac
  done <<<"$(enabling_links)"
}

# The packages' user owns two empty folders and runs nothing, since no service starts. Whoever wants Debian's services
# later gets it back by `dpkg-reconfigure prometheus prometheus-alertmanager prometheus-node-exporter`.
take_back_user() {
  if [ "$had_user" = yes ] || ! has_user; then return; fi
  local folder
  for folder in /var/lib/prometheus /var/log/prometheus; do
    if [ -d "$folder" ]; then chown -Rh root:root "$folder"; fi
  done
  userdel prometheus
  if getent group prometheus >/dev/null; then groupdel prometheus; fi
}

has_user() { getent passwd prometheus >/dev/null; }

if [ "$(id -u)" != 0 ]; then
  echo "bootstrap: scripts/debian-packages.sh needs root" >&2
  exit 3
fi
if [ $# = 0 ]; then
  echo "usage: scripts/debian-packages.sh PACKAGE..." >&2
  exit 2
fi

say "installing $* by apt: no service is started, none enabled, no system user is left behind"
[ -d /run/systemd/system ] || say "systemd does not run here; its links and those of SysV init are watched all the same"
before=$(enabling_links)
had_user=no
if has_user; then had_user=yes; fi
finish() {
  take_back
  take_back_user
  restore_policy
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
place_policy
# NEEDRESTART_SUSPEND: Ubuntu's needrestart would restart other people's services on this occasion.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
log=$(mktemp)
if ! { apt-get install -y -q --no-install-recommends "$@" || { apt-get update -q && apt-get install -y -q --no-install-recommends "$@"; }; } >"$log" 2>&1; then
  tail -n 15 "$log" >&2
  rm -f "$log"
  exit 3
fi
rm -f "$log"
finish
if new=$(comm -13 <(sort <<<"$before") <(enabling_links | sort)) && [ -n "$new" ]; then
  printf 'bootstrap: these would start a service at boot, and could not be taken back:\n%s\n' "$new" >&2
  exit 3
fi
