/* search_terms.js - the search language, for people: a table, and the list of it. */
import { el, fill } from "./dom.js";

export const terms = [
	{ term: "word", example: "invoice", words: "in sender, recipients, subject, text, names of attachments" },
	{ term: '"a phrase"', example: '"thank you"', words: "these words in a row" },
	{ term: "from:", example: "from:alice", words: "in the sender's name or address; likewise to: cc: bcc: reply-to:" },
	{ term: "addressed:", example: "addressed:example.org", words: "in any of these" },
	{ term: "subject:", example: 'subject:"your order"', words: "in the subject" },
	{ term: "is:", example: "is:unread", words: "is:read is:unread is:tagged" },
	{ term: "has:", example: "has:attachment", words: "has:attachment has:inline" },
	{ term: "tag:", example: "tag:welcome", words: "with that tag" },
	{ term: "larger:", example: "larger:1M", words: "above a size; smaller: below it" },
	{ term: "after:", example: "after:2026-01-31", words: "from that day on; before: until it" },
	{ term: "message-id:", example: "message-id:abc@", words: "in the Message-ID" },
	{ term: "-", example: "-from:bob", words: "before a term: what does not have it" },
];

/* use(text): an example was clicked. */
export function showTerms(holder, use) {
	fill(holder, el("p", { class: "terms-lead" }, "All terms must match. An example is a button."),
		el("dl", null, ...terms.flatMap((row) => [
			el("dt", null, el("button", { type: "button", class: "example", on: { click: () => use(row.example) } },
				row.example)),
			el("dd", null, row.words)])));
}
