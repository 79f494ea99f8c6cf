"use strict";

// Renews the marked region of a page every few seconds by asking for the same address, filters
// and all. Stops while the tab is hidden, while somebody marks text in the region, and when paused.
(() => {
    const FRAGMENT = { "X-Pitboss-Fragment": "1" };
    const PATIENCE_MS = 10000;

    const isBeingRead = (body) => {
        const marked = document.getSelection();
        return marked !== null && !marked.isCollapsed && body.contains(marked.anchorNode);
    };

    const placeOf = (body) => {
        const focused = body.contains(document.activeElement) ? document.activeElement : null;
        return {
            href: focused === null ? null : focused.getAttribute("href"),
            lefts: Array.from(body.querySelectorAll(".pb-scroll, .overflow-x-auto"), (box) => box.scrollLeft),
        };
    };

    const putBack = (body, place) => {
        body.querySelectorAll(".pb-scroll, .overflow-x-auto").forEach((box, index) => {
            box.scrollLeft = place.lefts[index] || 0;
        });
        if (place.href !== null) {
            const again = Array.from(body.querySelectorAll("a[href]"))
                .find((link) => link.getAttribute("href") === place.href);
            if (again) again.focus({ preventScroll: true });
        }
    };

    const keepFresh = (region) => {
        const body = region.querySelector("[data-pb-live-body]");
        const state = region.querySelector("[data-pb-live-state]");
        const dot = region.querySelector("[data-pb-live-dot]");
        const toggle = region.querySelector("[data-pb-live-toggle]");
        const every = Math.max(2, Number(region.dataset.pbSeconds) || 5) * 1000;
        let timer = 0;
        let isPaused = false;
        let isEnded = false;
        let shown = "";
        let updated = state.textContent;

        const say = (text, mood) => {
            state.textContent = text;
            dot.dataset.mood = mood;
        };

        const later = () => {
            window.clearTimeout(timer);
            if (!isPaused && !isEnded && !document.hidden) timer = window.setTimeout(renew, every);
        };

        const end = (text, mood) => {
            isEnded = true;
            toggle.hidden = true;
            say(text, mood);
        };

        const swap = (html, at) => {
            if (html !== shown) {
                shown = html;
                const place = placeOf(body);
                body.innerHTML = html;
                putBack(body, place);
            }
            updated = `Updated ${at} UTC`;
            say(updated, "fresh");
        };

        const ask = async () => {
            const answer = await fetch(window.location.href, {
                headers: FRAGMENT,
                credentials: "same-origin",
                cache: "no-store",
                signal: AbortSignal.timeout(PATIENCE_MS),
            });
            if (answer.redirected || answer.status === 403 || answer.status === 404) {
                end("Signed out, or the page is gone. Reload it to go on.", "late");
                return;
            }
            if (!answer.ok) throw new Error(String(answer.status));
            const html = await answer.text();
            if (isPaused || isBeingRead(body)) return;
            swap(html, answer.headers.get("X-Pitboss-At") || new Date().toISOString().slice(11, 19));
            if (answer.headers.get("X-Pitboss-Live") === "over") end(updated, "paused");
        };

        const renew = async () => {
            try {
                if (!isBeingRead(body)) await ask();
            } catch {
                say(`${updated}. No answer since; trying again.`, "late");
            }
            later();
        };

        toggle.hidden = false;
        toggle.addEventListener("click", () => {
            isPaused = !isPaused;
            toggle.textContent = isPaused ? "Go on" : "Pause";
            if (isPaused) {
                window.clearTimeout(timer);
                say(`${updated}, paused`, "paused");
            } else {
                renew();
            }
        });
        document.addEventListener("visibilitychange", () => {
            if (document.hidden) window.clearTimeout(timer);
            else if (!isPaused && !isEnded) renew();
        });
        say(updated, "fresh");
        later();
    };

    const start = () => document.querySelectorAll("[data-pb-live]").forEach(keepFresh);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
})();
