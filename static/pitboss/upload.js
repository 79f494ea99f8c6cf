"use strict";

// Says that a chosen file is larger than the page takes before it is sent, and doesn't send it.
// The server refuses it as well; this only saves the wait.
(() => {
    const sized = (bytes) => `${bytes.toLocaleString("en")} bytes`;

    const tooLarge = (input) => {
        const most = Number(input.dataset.maxBytes);
        return Array.from(input.files).find((file) => file.size > most);
    };

    const judge = (input) => {
        const note = input.pbNote;
        const file = tooLarge(input);
        note.hidden = file === undefined;
        note.textContent = file === undefined ? "" :
            `${file.name} has ${sized(file.size)}; at most ${sized(Number(input.dataset.maxBytes))} are taken. ` +
            "Nothing was sent: choose a smaller file.";
        return file === undefined;
    };

    document.querySelectorAll("input[type=file][data-max-bytes]").forEach((input) => {
        const note = document.createElement("p");
        note.className = "pb-box pb-box-toned pb-tone-danger";
        note.setAttribute("role", "alert");
        note.hidden = true;
        input.pbNote = note;
        input.form.querySelector(".pb-actions").before(note);
        input.addEventListener("change", () => judge(input));
        if (input.form.pbGuarded) return;
        input.form.pbGuarded = true;
        input.form.addEventListener("submit", (event) => {
            const inputs = Array.from(input.form.querySelectorAll("input[type=file][data-max-bytes]"));
            const refused = inputs.filter((one) => !judge(one));
            if (refused.length > 0) {
                event.preventDefault();
                refused[0].pbNote.scrollIntoView({ block: "center" });
            }
        });
    });
})();
