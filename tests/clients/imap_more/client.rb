# Ruby's own net/imap, over TLS. See test_imap_more.py.
require "net/imap"

port, tls_port, ca, user, password, box, file = ARGV
client = Net::IMAP.new("127.0.0.1", port: tls_port.to_i, ssl: {verify_mode: OpenSSL::SSL::VERIFY_NONE})
client.login(user, password)
raise "it is not listed" unless client.list("", "*").any? { |one| one.name == box }
client.select(box)
messages = client.fetch(1..-1, ["UID", "ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[]"])
puts "sizes " + messages.map { |one| one.attr["BODY[]"].bytesize }.join(" ")
puts "parts " + messages.map { |one| one.attr["BODYSTRUCTURE"].media_type.downcase }.join(" ")
client.append(box, File.binread(file), [:Seen])
found = client.uid_search(["SUBJECT", "Grüße".b], "UTF-8")
puts "found #{found.length}"
client.uid_store(found, "+FLAGS", [:Flagged, "$Work"])
client.copy(1, box + " 2")
client.uid_move(messages[2].attr["UID"], box + " 2")
client.noop
client.logout
client.disconnect
