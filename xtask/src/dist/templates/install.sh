#!/bin/sh
# Installs Piton @VERSION@: downloads the archive for this system, checks its SHA-256, and puts the programs into
# ~/.local/bin, or into the folder that PITON_INSTALL_DIR names.
set -eu

version='@VERSION@'
base='@BASE_URL@'
folder="${PITON_INSTALL_DIR:-$HOME/.local/bin}"

fail() {
    echo "error: $1" >&2
    exit 1
}

case "$(uname -s)" in
    Linux) os=linux ;;
    Darwin) os=macos ;;
    *) fail "no archive for $(uname -s); on Windows use install.ps1" ;;
esac
case "$(uname -m)" in
    x86_64 | amd64) processor=x86_64 ;;
    aarch64 | arm64) processor=aarch64 ;;
    armv7* | armv8l) processor=armv7 ;;
    *) fail "no archive for the processor $(uname -m)" ;;
esac
# A 64-bit kernel can have 32-bit programs, as on a Raspberry Pi with a 32-bit system.
if [ "$processor" = aarch64 ] && [ "$os" = linux ] && [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then
    processor=armv7
fi
system="$os-$processor"
case "$system" in
    linux-x86_64) sum='@SHA256_LINUX_X86_64@' ;;
    linux-aarch64) sum='@SHA256_LINUX_AARCH64@' ;;
    linux-armv7) sum='@SHA256_LINUX_ARMV7@' ;;
    macos-aarch64) sum='@SHA256_MACOS_AARCH64@' ;;
    macos-x86_64) sum='@SHA256_MACOS_X86_64@' ;;
    *) fail "no archive for $system" ;;
esac

name="piton-$version-$system"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
archive="$work/$name.tar.gz"
echo "Downloading $name.tar.gz" >&2
if command -v curl >/dev/null; then
    curl --fail --location --silent --show-error --output "$archive" "$base/$name.tar.gz"
elif command -v wget >/dev/null; then
    wget --quiet --output-document="$archive" "$base/$name.tar.gz"
else
    fail "neither curl nor wget is installed"
fi

if command -v sha256sum >/dev/null; then
    found="$(sha256sum "$archive" | cut -d ' ' -f 1)"
elif command -v shasum >/dev/null; then
    found="$(shasum -a 256 "$archive" | cut -d ' ' -f 1)"
else
    fail "neither sha256sum nor shasum is installed, so the archive can't be checked"
fi
[ "$found" = "$sum" ] || fail "$name.tar.gz has the SHA-256 $found, expected $sum; nothing was installed"

tar -xzf "$archive" -C "$work"
mkdir -p "$folder"
for program in piton mpy-cross; do
    # Beside, then renamed: an old program may be running.
    cp "$work/$name/$program" "$folder/.$program.new"
    chmod 755 "$folder/.$program.new"
    mv -f "$folder/.$program.new" "$folder/$program"
done
echo "Piton $version is in $folder" >&2
case ":$PATH:" in
    *":$folder:"*) ;;
    *) echo "hint: add $folder to your PATH" >&2 ;;
esac
