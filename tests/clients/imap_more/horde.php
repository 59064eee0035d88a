<?php
# Horde_Imap_Client, with which webmail is made, over STARTTLS. See test_imap_more.py.
# It enables UTF8=ACCEPT and QRESYNC, and appends with literal8 (RFC 6855).
error_reporting(E_ALL & ~E_DEPRECATED);
ini_set("display_errors", "stderr");
spl_autoload_register(function ($name) {
	@include_once strtr($name, "_\\", "//") . ".php";
});
[, $port, $tls_port, $ca, $user, $password, $name, $file] = $argv;
$client = new Horde_Imap_Client_Socket([
	"username" => $user, "password" => $password, "hostspec" => "127.0.0.1", "port" => $port, "secure" => "tls", "timeout" => 30,
	"context" => ["ssl" => ["cafile" => $ca, "peer_name" => "mail.alice.example", "verify_peer" => true]]]);
$box = Horde_Imap_Client_Mailbox::get($name, true);
$other = Horde_Imap_Client_Mailbox::get("$name 2", true);
$client->listMailboxes("*", Horde_Imap_Client::MBOX_ALL, ["status" => Horde_Imap_Client::STATUS_MESSAGES])[(string) $box] ??
	throw new Exception("it is not listed");
$client->openMailbox($box, Horde_Imap_Client::OPEN_READWRITE);
$query = new Horde_Imap_Client_Fetch_Query();
$query->envelope();
$query->structure();
$query->flags();
$query->fullText(["peek" => true]);
$sizes = $parts = [];
foreach ($client->fetch($box, $query) as $uid => $message) {
	$uids[] = $uid;
	$sizes[] = strlen($message->getFullMsg());
	$parts[] = $message->getStructure()->getPrimaryType();
}
echo "sizes ", join(" ", $sizes), "\nparts ", join(" ", $parts), "\n";
$client->append($box, [["data" => fopen($file, "r"), "flags" => ["\\Seen"]]]);
$search = new Horde_Imap_Client_Search_Query();
$search->charset("UTF-8", false);
$search->headerText("subject", "Grüße");
$found = $client->search($box, $search)["match"];
echo "found ", count($found), "\n";
$client->store($box, ["ids" => $found, "add" => ["\\Flagged", "\$Work"]]);
$client->copy($box, $other, ["ids" => new Horde_Imap_Client_Ids([$uids[0]])]);
$client->copy($box, $other, ["ids" => new Horde_Imap_Client_Ids([$uids[2]]), "move" => true]);
$client->logout();
