#!/usr/bin/env bash
# Installs what GMISeg needs to build and run on Debian 12+ or Ubuntu 22.04+. Says what it installs first, and does
# nothing when everything is there. The Swift toolchain is not a Debian package: its absence is explained, not mended.
set -euo pipefail

packages=(
    ca-certificates
    curl                # talks to the server, in the demo and in your scripts
    git                 # swift build fetches the Swift packages with it
    libdnnl-dev         # oneDNN: matrix products
    libpng-dev          # PNG
    libsqlite3-dev      # tasks, jobs and adapters
    libssl-dev          # SHA-256, TLS
    libturbojpeg0-dev   # JPEG
    make
    pkg-config
    zlib1g-dev
)

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
    echo "bootstrap: installing ${missing[*]}"
    run_as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "bootstrap: run as root: apt-get install ${missing[*]}" >&2
            exit 1
        }
        run_as_root=(sudo)
    fi
    "${run_as_root[@]}" apt-get update -qq
    "${run_as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

command -v swift >/dev/null || {
    echo "bootstrap: no swift on the PATH. GMISeg needs Swift 6.3 or newer:" >&2
    echo "           https://www.swift.org/install/linux (or the image swift:6.3-bookworm, see docker/)" >&2
    exit 1
}
