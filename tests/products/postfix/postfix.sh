#!/bin/sh
# A private Postfix that sends everything to a smart host, beside any other Postfix of the machine. Needs root.
#
#   postfix.sh start DIR       makes it in DIR, an absolute path, and starts it; it goes on until `stop`
#   postfix.sh stop DIR
#   postfix.sh ready DIR       whether it runs
#   postfix.sh configure DIR HOST PORT SECURITY TRUST CA LOGIN SECRET SECONDS
#   postfix.sh send DIR FROM MESSAGE TO…
#   postfix.sh state DIR       what became of the last message, from the log; nothing yet: exit code 75
#   postfix.sh reset DIR       empties the queue
set -eu
PATH=$PATH:/usr/sbin:/usr/lib/postfix/sbin
command=$1
dir=$2
shift 2
conf=$dir/conf

set_up() {
    mkdir -p "$conf" "$dir/spool" "$dir/data"
    chmod 755 "$dir"
    chown postfix "$dir/data"
    # Nothing of it listens or is in a cage of its own.
    awk '/^[^#[:space:]]/ && $2 == "inet" { next } /^[^#[:space:]]/ { $5 = "n" } { print }' /etc/postfix/master.cf > "$conf/master.cf"
    grep -q '^postlog ' "$conf/master.cf" || echo 'postlog unix-dgram n - n - 1 postlogd' >> "$conf/master.cf"
    cat > "$conf/main.cf" <<END
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
maillog_file = $dir/log
maillog_file_prefixes = $dir
inet_interfaces = loopback-only
myhostname = client.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtp_tls_secure_cert_match = nexthop
smtp_sasl_security_options = noanonymous
smtp_tls_loglevel = 1
END
}

case $command in
start)
    set_up
    postfix -c "$conf" start
    ;;
stop)
    postfix -c "$conf" stop
    ;;
ready)
    postfix -c "$conf" status
    ;;
configure)
    host=$1 port=$2 security=$3 trust=$4 ca=$5 login=$6 secret=$7 seconds=$8
    case $security in
    none) level=none wrapper=no ;;
    starttls-optional) level=may wrapper=no ;;
    starttls-required) level=secure wrapper=no ;;
    implicit) level=secure wrapper=yes ;;
    esac
    [ "$trust" = always ] && [ "$level" = secure ] && level=encrypt
    cp "$ca" "$dir/ca.pem"
    if [ -n "$login" ]; then
        sasl=yes passwords="inline:{{[$host]:$port=$login:$secret}}"
    else
        sasl=no passwords=
    fi
    postconf -c "$conf" -e \
        "relayhost = [$host]:$port" \
        "smtp_tls_security_level = $level" \
        "smtp_tls_wrappermode = $wrapper" \
        "smtp_tls_CAfile = $dir/ca.pem" \
        "smtp_sasl_auth_enable = $sasl" \
        "smtp_sasl_password_maps = $passwords" \
        "smtp_connect_timeout = ${seconds}s" "smtp_helo_timeout = ${seconds}s" \
        "smtp_starttls_timeout = ${seconds}s" "smtp_mail_timeout = ${seconds}s" \
        "smtp_rcpt_timeout = ${seconds}s" "smtp_data_init_timeout = ${seconds}s" \
        "smtp_data_xfer_timeout = ${seconds}s" "smtp_data_done_timeout = ${seconds}s" \
        "smtp_rset_timeout = ${seconds}s" "smtp_quit_timeout = ${seconds}s"
    # What `reload` starts lives with the master that runs already.
    postfix -c "$conf" reload
    ;;
send)
    from=$1 message=$2
    shift 2
    wc -c < "$dir/log" > "$dir/mark"
    sendmail -C "$conf" -i -f "$from" -- "$@" < "$message"
    ;;
state)
    lines=$(tail -c "+$(($(cat "$dir/mark") + 1))" "$dir/log" | grep 'postfix/smtp\[.* status=' | sed 's/.* status=/status=/') || exit 75
    printf '%s\n' "$lines"
    ;;
reset)
    postsuper -c "$conf" -d ALL
    ;;
*)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
esac
