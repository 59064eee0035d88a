-- imapfilter, over TLS: of it a person's rules are made. See test_imap_more.py.
local port, tls_port, ca, user, password, box, file = table.unpack(words)

options.timeout = 30
options.certificates = true
options.hostnames = false
account = IMAP { server = "127.0.0.1", port = tonumber(tls_port), username = user, password = password, ssl = "auto" }
local at = account[box]
local all = at:select_all()
local sizes = {}
for _, one in ipairs(all) do
	local mailbox, uid = table.unpack(one)
	sizes[#sizes + 1] = #mailbox[uid]:fetch_message()
end
print("sizes " .. table.concat(sizes, " "))
print("found " .. #at:contain_subject("second"))
at:contain_subject("second"):add_flags({ "$Work" })
at:contain_subject("second"):mark_flagged()
at:contain_subject("first"):copy_messages(account[box .. " 2"])
at:contain_subject("third"):move_messages(account[box .. " 2"])
