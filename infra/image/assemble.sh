#!/bin/sh
# Lays out the image's root in the folder given: Node, the libraries that it and koffi's native file are linked with, the bundle.
set -eu
root=$1
arch=$(node -p process.arch)
# The Node whose hash is in the lock file, not the one that the base image brings.
node=node_modules/node-linux-$arch/bin/node
native=node_modules/@koromix/koffi-linux-$arch

mkdir -p "$root/usr/bin" "$root/opt/bothways/dist" "$root/opt/bothways/bin" "$root/etc/ssl/certs" "$root/etc/bothways" \
  "$root/var/lib/bothways" "$root/tmp" "$root/proc" "$root/sys" "$root/dev"

cp "$node" "$root/usr/bin/node"
cp bin/bothways bin/package.json "$root/opt/bothways/bin/"
cp dist/cli.cjs dist/cli.cjs.LEGAL.txt dist/agent.cjs dist/agent.cjs.LEGAL.txt dist/bcrypt-worker.cjs \
  dist/matcher-worker.cjs dist/matcher-worker.cjs.LEGAL.txt dist/page.html "$root/opt/bothways/dist/"
cp package.json LICENSE "$root/opt/bothways/"

# Of koffi what `import` asks for, and the one native file for this kind of machine.
mkdir -p "$root/opt/bothways/node_modules/koffi" "$root/opt/bothways/$native/linux_$arch"
cp node_modules/koffi/package.json node_modules/koffi/index.js node_modules/koffi/LICENSE.txt \
  "$root/opt/bothways/node_modules/koffi/"
find node_modules/koffi/src -name '*.js' | while read -r file; do
  mkdir -p "$root/opt/bothways/$(dirname "$file")"
  cp "$file" "$root/opt/bothways/$file"
done
cp "$native/package.json" "$native/index.js" "$root/opt/bothways/$native/"
cp "$native/linux_$arch/koffi.node" "$root/opt/bothways/$native/linux_$arch/"

# Each library under the path that the loader looks for it by.
ldd "$node" "$native/linux_$arch/koffi.node" | sed -n 's/^.*=> \(\/[^ ]*\) (.*$/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*$/\1/p' | sort -u |
  while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done

# The authorities that Node brings, as a file for whoever asks for one.
node -e 'process.stdout.write(require("node:tls").rootCertificates.join("\n") + "\n")' > "$root/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0::/:/nonexistent\nbothways:x:65532:65532::/var/lib/bothways:/nonexistent\n' > "$root/etc/passwd"
printf 'root:x:0:\nbothways:x:65532:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"

find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/usr/bin/node" "$root"/lib*/ld-linux* "$root"/lib*/*/ld-linux* 2>/dev/null || true
# For whoever runs it: no number of a user is known here, and none has a group that it could be counted on.
chmod 1777 "$root/tmp" "$root/var/lib/bothways"
find "$root" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
