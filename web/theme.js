/* theme.js - light, dark or as the system has it, before the first paint. Runs as soon as
 * it is read, so it is no module. */
"use strict";

(function () {
	const key = "posthouse.theme";
	const orders = ["system", "light", "dark"];

	function stored() {
		try {
			const value = localStorage.getItem(key);
			return orders.includes(value) ? value : "system";
		} catch {
			return "system";        /* storage is off: nothing is remembered */
		}
	}

	function show(value) {
		if (value === "system")
			delete document.documentElement.dataset.theme;
		else
			document.documentElement.dataset.theme = value;
	}

	window.posthouseTheme = {
		now: stored,
		next() {
			const value = orders[(orders.indexOf(stored()) + 1) % orders.length];

			try {
				localStorage.setItem(key, value);
			} catch { /* as above */ }
			show(value);
			return value;
		},
	};
	show(stored());
})();
