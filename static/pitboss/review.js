"use strict";

// Ties each field of the review page to the place on the page where it was read: looking at one
// shows the other. Enter in a field ticks it and goes to the next, so that a report is checked
// without the mouse. Without this script the page works too.
(() => {
    for (const mark of document.querySelectorAll(".pb-mark")) {
        const [left, top, width, height] = mark.dataset.box.split(" ");
        Object.assign(mark.style, { left, top, width, height });
    }

    const show = (name) => {
        for (const mark of document.querySelectorAll(".pb-mark")) {
            const isIt = mark.dataset.field === name;
            mark.classList.toggle("pb-mark-on", isIt);
            if (isIt) mark.scrollIntoView({ block: "nearest" });
        }
        for (const field of document.querySelectorAll(".pb-field")) {
            field.classList.toggle("pb-field-on", field.dataset.field === name);
        }
    };

    const boxOf = (field) => field.querySelector(".pb-field-value input:not([type=checkbox]), .pb-field-value textarea, .pb-field-value select");

    const tickAndGoOn = (field) => {
        const tick = field.querySelector(".pb-field-tick input");
        if (tick !== null && !tick.disabled) tick.checked = true;
        const next = field.nextElementSibling;
        const box = next === null ? document.getElementById("reason") : boxOf(next);
        if (box !== null) box.focus();
    };

    document.addEventListener("focusin", (event) => {
        const field = event.target.closest(".pb-field");
        if (field !== null) show(field.dataset.field);
    });
    document.addEventListener("click", (event) => {
        const mark = event.target.closest(".pb-mark");
        const field = mark && document.querySelector(`.pb-field[data-field="${mark.dataset.field}"]`);
        if (field) boxOf(field).focus();
    });
    document.addEventListener("keydown", (event) => {
        const field = event.target.closest(".pb-field");
        const isLong = event.target.tagName === "TEXTAREA" && !event.ctrlKey;
        if (event.key !== "Enter" || field === null || isLong || event.target.type === "checkbox") return;
        event.preventDefault();
        tickAndGoOn(field);
    });
})();
