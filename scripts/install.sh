#!/bin/sh
# Puts the program where plugin.yaml looks for it. Helm runs this in the plugin's folder after install and update.
#
#   bin/helm-safe-upgrade there already    nothing to do, but with --update
#   SAFE_UPGRADE_PROGRAM=/path             links that program
#   cargo and the sources there            builds it
#   otherwise                              says what to do
set -eu

program=bin/helm-safe-upgrade

if [ -n "${SAFE_UPGRADE_PROGRAM:-}" ]; then
  if [ ! -x "$SAFE_UPGRADE_PROGRAM" ]; then
    echo "SAFE_UPGRADE_PROGRAM=$SAFE_UPGRADE_PROGRAM is no program" >&2
    exit 1
  fi
  mkdir -p bin
  # A rename puts it in place at once, also while another installation looks at it.
  ln -s "$SAFE_UPGRADE_PROGRAM" "$program.$$"
  mv -f "$program.$$" "$program"
  exit 0
fi

if [ "${1:-}" != --update ] && { [ -x "$program" ] || [ -x "$program.exe" ]; }; then
  exit 0
fi

if command -v cargo >/dev/null 2>&1 && [ -f helm-plugin/Cargo.toml ]; then
  echo "Building helm-safe-upgrade with cargo, which takes some minutes the first time" >&2
  cargo build --release --locked --package helm-plugin --bin helm-safe-upgrade
  mkdir -p bin
  # Beside it first, then into its place: a running program cannot be written over.
  for built in "${CARGO_TARGET_DIR:-target}"/release/helm-safe-upgrade "${CARGO_TARGET_DIR:-target}"/release/helm-safe-upgrade.exe; do
    if [ -f "$built" ]; then
      name=bin/$(basename "$built")
      cp "$built" "$name.new"
      mv -f "$name.new" "$name"
    fi
  done
  exit 0
fi

cat >&2 <<'TEXT'
helm-safe-upgrade is not built, and cargo is not installed here. Either
  - install Rust (https://rustup.rs) and run: helm plugin update safe-upgrade
  - or put a built program into the plugin's folder as bin/helm-safe-upgrade
TEXT
exit 1
