/* view_lint.js - what is wrong with the message and with how it was sent: what, by which
 * clause, and what to do instead. */
import { el, icon, nothing, outLink } from "./dom.js";
import { plural } from "./format.js";
import { clauseUrl } from "./smtp_words.js";

const order = ["error", "warning", "hint"];
const titles = {
	error: "A real server would refuse this",
	warning: "Not allowed; many servers take it",
	hint: "Allowed, and often not meant",
};

function card(context, finding) {
	const url = clauseUrl(finding.clause);

	return el("li", { class: "finding", "data-kind": finding.severity },
		el("p", { class: "finding-text" }, finding.words),
		finding.remedy ? el("p", { class: "finding-remedy" }, el("span", { class: "muted" }, "Better: "),
			finding.remedy) : null,
		el("p", { class: "finding-more" },
			url ? outLink(url, finding.clause) : el("span", null, finding.clause),
			finding.rule ? el("code", null, finding.rule) : null,
			finding.where && finding.line === 0 ? el("span", { class: "muted" }, finding.where) : null,
			finding.line > 0 ? el("button", { type: "button", class: "link",
				on: { click: () => context.go("source", finding.line) } }, "Line " + finding.line) : null));
}

export async function viewLint(context) {
	const findings = await context.lint();

	if (findings === null)
		return nothing("Lint is not available here", "This server does not judge the messages that it keeps.");
	if (findings.length === 0)
		return el("div", { class: "nothing good" }, icon("check"), el("h3", null, "Nothing to find fault with"),
			el("p", null, "The dialogue and the message are as the RFCs have them."));
	return el("div", { class: "lint" },
		...order.map((severity) => [severity, findings.filter((f) => f.severity === severity)])
			.filter(([, some]) => some.length > 0)
			.map(([severity, some]) => el("section", { "data-kind": severity },
				el("h3", null, el("span", { class: "pill", "data-kind": severity },
					plural(some.length, severity)), titles[severity]),
				el("ul", null, ...some.map((f) => card(context, f))))));
}
