#!/bin/sh
# Writes Tests/Fixtures/tls: an authority, a server's certificate for 127.0.0.1 and localhost, a second one for the same names, and
# a client's. They are for tests alone, and valid for a hundred years.
set -eu
cd "$(dirname "$0")/../../Tests/Fixtures/tls"
make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
make_key authority-key.pem
openssl req -x509 -new -key authority-key.pem -sha256 -days 36500 -subj '/CN=GMISeg test authority' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -out authority.pem
for name in server renewed client; do
    make_key "$name-key.pem"
    openssl req -new -key "$name-key.pem" -subj "/CN=GMISeg test $name" -out request.pem
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > extensions.txt
    openssl x509 -req -in request.pem -CA authority.pem -CAkey authority-key.pem -CAcreateserial -sha256 -days 36500 \
        -extfile extensions.txt -out "$name.pem"
done
rm -f authority-key.pem authority.srl request.pem extensions.txt
