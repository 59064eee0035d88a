# Ruby's own net/imap in IDLE: prints what the server says of a mailbox, until its input ends. See test_imap_more.py.
require "net/imap"

$stdout.sync = true
port, tls_port, ca, user, password, box = ARGV
client = Net::IMAP.new("127.0.0.1", port: tls_port.to_i, ssl: {verify_mode: OpenSSL::SSL::VERIFY_NONE})
client.login(user, password)
client.select(box)
Thread.new { STDIN.read; client.idle_done }
client.idle do |said|
	if said.is_a?(Net::IMAP::ContinuationRequest)
		puts "ready"
	elsif said.name == "FETCH"
		puts "flags #{said.data.seqno} #{(said.data.attr["FLAGS"] - [:Recent]).sort.join(" ")}"
	elsif %w[EXISTS EXPUNGE].include?(said.name)
		puts "#{said.name.downcase} #{said.data}"
	end
end
client.logout
