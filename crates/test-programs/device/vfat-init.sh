#!/bin/busybox sh
# The first process of the guest that `vfat.rs` boots. Its root is a folder made for one run. `/steps` in it has a
# folder for each command: what is asked for goes in, what came of it comes out. A failure is told on the console.
set -eu
b=/bin/busybox
fail() { echo "init: step ${n:-none}: $1"; $b poweroff -f; }
trap 'fail "a command of init failed"' EXIT

. /settings
$b mount -t proc proc /proc
$b mount -t tmpfs tmpfs /top
$b mount -t hostfs -o /,ro none /host
for module in fs/overlayfs/overlay fs/fat/fat fs/nls/nls_cp437 fs/nls/nls_ascii fs/nls/nls_iso8859-1 fs/nls/nls_utf8 \
    fs/fat/vfat drivers/block/loop drivers/md/dm-mod drivers/md/dm-log-writes; do
    $b insmod "/host$modules/kernel/$module.ko"
done
# The host's files as they are; what the command writes beside the drive stays in the guest's memory.
$b mkdir /top/upper /top/work
$b mount -t overlay -o lowerdir=/host,upperdir=/top/upper,workdir=/top/work overlay /all
$b mount -t proc proc /all/proc
$b mount -t devtmpfs dev /all/dev
$b mkdir -p /all/drive

for step in /steps/*; do
    n=${step##*/}
    options=$($b cat "$step/options")
    device=/dev/loop0
    # In memory: a flush of the guest is none of the host.
    $b cp "$step/image" /top/image
    $b losetup /all/dev/loop0 /top/image
    if [ -e "$step/log" ]; then
        $b cp "$step/log" /top/log
        $b losetup /all/dev/loop1 /top/log
        sectors=$(($($b stat -c %s /top/image) / 512))
        $b chroot /all $dmsetup create logged --noudevsync --table "0 $sectors log-writes /dev/loop0 /dev/loop1"
        device=/dev/dm-0
    fi
    $b dmesg -c >/dev/null
    $b mount -t vfat -o "$options" "/all$device" /all/drive
    code=0
    $b chroot /all "$busybox" sh -s <"$step/command" >"$step/stdout" 2>"$step/stderr" || code=$?
    if [ -e "$step/log" ]; then
        $b chroot /all $dmsetup message logged 0 mark ended
    fi
    $b umount /all/drive
    $b dmesg -c >"$step/kernel"
    if [ -e "$step/log" ]; then
        $b chroot /all $dmsetup remove --noudevsync logged
        $b losetup -d /all/dev/loop1
        $b mv /top/log "$step/log"
    fi
    $b losetup -d /all/dev/loop0
    $b mv /top/image "$step/image"
    echo $code >"$step/code"
done
trap - EXIT
$b poweroff -f
