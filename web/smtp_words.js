/* smtp_words.js - SMTP in words: what each command, reply code, enhanced code, extension
 * and parameter means, and by which clause. Tables only; smtp_explain.js uses them. Pure. */

/* ---- commands: clause, what it says ---- */

export const verbs = {
	EHLO: ["RFC 5321 §4.1.1.1", "The client says who it is, and asks what the server can do beyond plain SMTP."],
	HELO: ["RFC 5321 §4.1.1.1", "The client says who it is, as in 1982: it gets no list of extensions. EHLO is better."],
	LHLO: ["RFC 2033 §4.1", "EHLO of LMTP, where each recipient gets a reply of its own after the message."],
	MAIL: ["RFC 5321 §4.1.1.2", "A message begins. The address is the envelope's sender: reports of failure go there. <> means: send none."],
	RCPT: ["RFC 5321 §4.1.1.3", "A recipient of the envelope; one command for each. What To: in the header says does not count."],
	DATA: ["RFC 5321 §4.1.1.4", "The client asks to send the message itself: header, empty line, body."],
	BDAT: ["RFC 3030 §2", "A piece of the message, with its number of octets: no dots to double, no end to look for."],
	RSET: ["RFC 5321 §4.1.1.5", "Forget the transaction that was begun; the connection stays."],
	VRFY: ["RFC 5321 §4.1.1.6", "Is there such a mailbox? Most servers don't tell, because spammers asked."],
	EXPN: ["RFC 5321 §4.1.1.7", "Who is on this list? Most servers don't tell."],
	HELP: ["RFC 5321 §4.1.1.8", "Which commands are there?"],
	NOOP: ["RFC 5321 §4.1.1.9", "Nothing; the server answers 250."],
	QUIT: ["RFC 5321 §4.1.1.10", "The client has said all. It should wait for the 221 before it closes."],
	STARTTLS: ["RFC 3207 §4", "From the next octet on, encrypted, if the server agrees."],
	AUTH: ["RFC 4954 §4", "A login, by the mechanism that is named."],
	ETRN: ["RFC 1985 §5", "Send me now what waits for me."],
};

/* ---- replies: clause, what the code says ---- */

export const replies = {
	211: ["RFC 5321 §4.2.3", "Status or help."],
	214: ["RFC 5321 §4.2.3", "Help."],
	220: ["RFC 5321 §4.2.3", "The server is ready."],
	221: ["RFC 5321 §4.2.3", "The server closes the connection."],
	235: ["RFC 4954 §6", "The login is right."],
	250: ["RFC 5321 §4.2.3", "Done, and all is well."],
	251: ["RFC 5321 §3.4", "The recipient is elsewhere; the server passes it on."],
	252: ["RFC 5321 §3.5.3", "The server can't tell, but would take mail for it."],
	334: ["RFC 4954 §4", "Go on with the login: what comes behind is a challenge, in base 64."],
	354: ["RFC 5321 §4.2.3", "Send the message now. It ends with a line that is a single dot."],
	421: ["RFC 5321 §3.8", "The server ends the connection: it stops, is too busy, or waited too long. Try again later."],
	432: ["RFC 4954 §4.7.12", "The password has to be changed first."],
	450: ["RFC 5321 §4.2.3", "Not now: the mailbox is busy, or the client shall try again later. It should."],
	451: ["RFC 5321 §4.2.3", "Not now: something failed at the server. The client should try again later."],
	452: ["RFC 5321 §4.2.3", "Not now: no room, or too many recipients at once. The client should try again later."],
	454: ["RFC 3207 §4", "TLS, or the login, does not work just now."],
	455: ["RFC 5321 §4.2.3", "The parameters can't be used now."],
	500: ["RFC 5321 §4.2.3", "The command was not understood."],
	501: ["RFC 5321 §4.2.3", "The command's argument was not understood."],
	502: ["RFC 5321 §4.2.4", "The server does not have this command."],
	503: ["RFC 5321 §4.2.3", "The command comes at the wrong time."],
	504: ["RFC 5321 §4.2.3", "The command is known, what was asked of it is not."],
	521: ["RFC 7504 §3", "This host takes no mail."],
	530: ["RFC 4954 §6", "Log in, or begin TLS, first."],
	534: ["RFC 4954 §6", "That kind of login is too weak here."],
	535: ["RFC 4954 §6", "Name or password is wrong."],
	538: ["RFC 4954 §6", "That login only under TLS."],
	550: ["RFC 5321 §4.2.3", "Refused for good: no such mailbox, or not allowed. Trying again is of no use."],
	551: ["RFC 5321 §3.4", "The recipient is elsewhere; the client has to go there."],
	552: ["RFC 5321 §4.2.3", "Refused: too large, or the mailbox is full."],
	553: ["RFC 5321 §4.2.3", "Refused: the address is not allowed, or none."],
	554: ["RFC 5321 §4.2.3", "Refused for good: the transaction failed, or the server wants no mail of this client."],
	555: ["RFC 5321 §4.1.1.11", "A parameter of MAIL or RCPT is not known here."],
	556: ["RFC 7504 §3", "That domain takes no mail."],
};

/* What the first digit says (RFC 5321 section 4.2.1), for codes that have no row. */
export const classes = {
	2: "Done.",
	3: "Go on: more is awaited.",
	4: "Not now. Trying again later may do.",
	5: "Refused for good. Trying again is of no use.",
};

/* What 250 means depends on what it answers; so does 220 after STARTTLS. */
export const answers = {
	"250 EHLO": ["RFC 5321 §4.1.1.1", "The server says who it is; each further line is an extension that it offers."],
	"250 HELO": ["RFC 5321 §4.1.1.1", "The server says who it is."],
	"250 MAIL": ["RFC 5321 §3.3", "The sender is accepted. Now the recipients."],
	"250 RCPT": ["RFC 5321 §3.3", "The recipient is accepted: the server will deliver to it, or tell the sender why it could not."],
	"250 .": ["RFC 5321 §6.1", "The server has taken the message, and answers for it from here on: it is on disk, or should be."],
	"250 BDAT": ["RFC 3030 §2", "The piece has come; after the last one the server answers for the message."],
	"250 RSET": ["RFC 5321 §4.1.1.5", "Forgotten; a new message may begin."],
	"220 STARTTLS": ["RFC 3207 §4", "Now the handshake of TLS; all that was said before is forgotten, EHLO too."],
	"220 greeting": ["RFC 5321 §3.1", "The server's greeting: the client may speak only after it."],
	"554 greeting": ["RFC 5321 §3.1", "The server is there, but takes no mail of this client."],
};

/* ---- enhanced codes (RFC 3463): X.subject.detail ---- */

export const enhancedClasses = { 2: "success", 4: "for now", 5: "for good" };

/* subject: [section of RFC 3463, what it is about, { detail: words }] */
export const enhancedSubjects = {
	0: ["3.1", "anything", { 0: "nothing more is known" }],
	1: ["3.2", "address", { 0: "something about an address", 1: "no such mailbox", 2: "no such host",
		3: "the address is none", 4: "the address stands for several", 5: "the recipient is valid",
		6: "the mailbox has moved", 7: "the sender's address is none", 8: "the sender's host can't be used",
		9: "passed on to a system that does not report", 10: "the domain takes no mail" }],
	2: ["3.3", "mailbox", { 0: "something about the mailbox", 1: "the mailbox is off", 2: "the mailbox is full",
		3: "too large for this mailbox", 4: "the list can't be expanded" }],
	3: ["3.4", "mail system", { 0: "something about the system", 1: "the system is full", 2: "the system takes nothing now",
		3: "the system can't do that", 4: "too large for the system", 5: "the system is set up wrongly",
		6: "another priority than was asked" }],
	4: ["3.5", "network", { 0: "something about the way there", 1: "the host does not answer", 2: "the connection broke",
		3: "the directory failed", 4: "no route", 5: "too much to do", 6: "mail goes in a circle", 7: "it took too long" }],
	5: ["3.6", "protocol", { 0: "something about the dialogue", 1: "a command that is not valid here",
		2: "a command with an error in it", 3: "too many recipients", 4: "arguments that are not valid",
		5: "another version of the protocol", 6: "the login's answer is too long" }],
	6: ["3.7", "content", { 0: "something about the content", 1: "a kind of content that is not taken",
		2: "converting it is forbidden", 3: "it would have to be converted, and can't be", 4: "converted, with losses",
		5: "converting it failed", 6: "the content is not there", 7: "addresses beyond ASCII are not taken",
		8: "an answer beyond ASCII is needed", 9: "a header beyond ASCII can't be passed on", 11: "bare CR or LF" }],
	7: ["3.8", "policy", { 0: "something about security", 1: "not allowed here", 2: "the list is closed",
		3: "a conversion of security that can't be done", 4: "a security feature that is not there",
		5: "a failure of cryptography", 6: "an algorithm that is not there", 7: "the message was changed on its way",
		8: "the login is wrong", 9: "the login is too weak", 10: "TLS is needed", 11: "the login needs TLS",
		12: "the password must be changed first", 13: "the account is off", 14: "the trust is missing",
		15: "the priority is too low", 16: "too large for its priority", 17: "the mailbox has another owner",
		18: "the domain has another owner", 20: "no DKIM signature passed", 23: "SPF said no",
		24: "SPF could not be checked", 25: "the address has no name in DNS", 26: "several checks failed",
		27: "the sender's domain takes no mail", 28: "too much mail at once", 30: "TLS on the whole way is needed" }],
};

/* ---- extensions: what EHLO's reply offers ---- */

export const extensions = {
	SIZE: ["RFC 1870 §4", "the largest message, in octets"],
	PIPELINING: ["RFC 2920 §3", "commands may go in groups, without waiting for each reply"],
	"8BITMIME": ["RFC 6152 §3", "octets over 127 in the message"],
	STARTTLS: ["RFC 3207 §4", "encryption, when the client asks"],
	AUTH: ["RFC 4954 §3", "login, by one of these mechanisms"],
	ENHANCEDSTATUSCODES: ["RFC 2034 §3", "replies have a second code, such as 5.1.1"],
	CHUNKING: ["RFC 3030 §2", "BDAT: the message in counted pieces"],
	BINARYMIME: ["RFC 3030 §3", "binary parts as they are"],
	SMTPUTF8: ["RFC 6531 §3", "addresses and headers beyond ASCII"],
	DSN: ["RFC 3461 §4", "the sender may say which reports it wants"],
	DELIVERBY: ["RFC 2852 §4", "a time until which it must be there"],
	"MT-PRIORITY": ["RFC 6710 §4", "messages with priorities"],
	REQUIRETLS: ["RFC 8689 §2", "TLS on the whole way, or not at all"],
	LIMITS: ["RFC 9422 §3", "how many messages and recipients at most"],
	ETRN: ["RFC 1985 §5", "a client may ask for its queue"],
	HELP: ["RFC 5321 §4.1.1.8", "HELP answers"],
	VRFY: ["RFC 5321 §4.1.1.6", "VRFY answers"],
	EXPN: ["RFC 5321 §4.1.1.7", "EXPN answers"],
};

/* ---- parameters of MAIL and RCPT ---- */

export const parameters = {
	SIZE: ["RFC 1870 §6", "its size, so that a server can refuse before it is sent"],
	BODY: ["RFC 6152 §3", "what octets are in it"],
	SMTPUTF8: ["RFC 6531 §3.4", "it needs a server that takes addresses beyond ASCII"],
	AUTH: ["RFC 4954 §5", "who handed it in first"],
	RET: ["RFC 3461 §4.3", "how much of it a report brings back"],
	ENVID: ["RFC 3461 §4.4", "what reports call it"],
	NOTIFY: ["RFC 3461 §4.1", "when the sender wants a report"],
	ORCPT: ["RFC 3461 §4.2", "the recipient as it was first"],
	REQUIRETLS: ["RFC 8689 §2", "never without TLS"],
	BY: ["RFC 2852 §4", "when it must be there"],
	"MT-PRIORITY": ["RFC 6710 §4", "its priority"],
};

/* ---- clauses ---- */

/* "RFC 5321 §4.1.1.4", or "section 4.1.1.4": where that can be read. Null: not understood. */
export function clauseUrl(clause) {
	const found = /RFC\s*(\d{3,5})(?:\s*(?:§|section|s)\s*(\d+(?:\.\d+)*))?/i.exec(clause ?? "");

	if (found === null)
		return null;
	return "https://www.rfc-editor.org/rfc/rfc" + Number(found[1]) + (found[2] ? "#section-" + found[2] : "");
}
