# Perl's Mail::IMAPClient, over STARTTLS. See test_imap_more.py.
use strict;
use warnings;
use Mail::IMAPClient;

my ($port, $tls_port, $ca, $user, $password, $box, $file) = @ARGV;
my $client = Mail::IMAPClient->new(
	Server => "127.0.0.1", Port => $port, User => $user, Password => $password, Uid => 1, Peek => 1, Timeout => 30,
	Starttls => [SSL_ca_file => $ca, SSL_verifycn_name => "mail.alice.example", SSL_verify_mode => 1]) or die "connect: $@";

# The answer of a method, or the end.
sub must
{
	my ($method, @words) = @_;
	my @answer = $client->$method(@words);

	die "$method(@words): " . $client->LastError . "\n" if !@answer || !defined $answer[0];
	return wantarray ? @answer : $answer[0];
}

die "it is not listed\n" if !grep { $_ eq $box } must("folders");
must("select", $box);
my @uids = must("messages");
print "sizes ", join(" ", map { length must("message_string", $_) } @uids), "\n";
print "parts ", join(" ", map { lc must("get_bodystructure", $_)->bodytype } @uids), "\n";
must("append_file", $box, $file, undef, '\Seen');
my @found = must("search", "SUBJECT", \"second");
print "found ", scalar(@found), "\n";
must("store", $found[0], "+FLAGS", '(\Flagged $Work)');
must("copy", "$box 2", $uids[0]);
must("move", "$box 2", $uids[2]);
must("expunge");
must("done", must("idle"));
must("logout");
