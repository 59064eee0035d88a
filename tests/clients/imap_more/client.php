<?php
# PHP's own imap_*, which is the c-client of Washington's university, over TLS (its STARTTLS offers
# TLS 1.0 at most). See test_imap_more.py.
[, $port, $tls_port, $ca, $user, $password, $box, $file] = $argv;
$server = "{127.0.0.1:$tls_port/imap/ssl/novalidate-cert}";
$must = fn($good, $what) => $good ?: throw new Exception("$what: " . imap_last_error());
$client = $must(imap_open($server . $box, $user, $password), "open");
$must(in_array($server . $box, imap_list($client, $server, "*")), "list");
$numbers = range(1, imap_num_msg($client));
echo "sizes ", join(" ", array_map(fn($n) => strlen(imap_fetchheader($client, $n) . imap_body($client, $n, FT_PEEK)), $numbers)), "\n";
$types = ["text", "multipart"];
echo "parts ", join(" ", array_map(fn($n) => $types[imap_fetchstructure($client, $n)->type], $numbers)), "\n";
$must(imap_append($client, $server . $box, file_get_contents($file), "\\Seen"), "append");
$found = $must(imap_search($client, 'SUBJECT "Grüße"', SE_UID, "UTF-8"), "search");
echo "found ", count($found), "\n";
$must(imap_setflag_full($client, join(",", $found), "\\Flagged \$Work", ST_UID), "store");
$must(imap_mail_copy($client, "1", "$box 2"), "copy");
$must(imap_mail_move($client, "3", "$box 2"), "move");
$must(imap_expunge($client), "expunge");
$must(imap_close($client), "close");
