// Opens and closes the menu on narrow screens.
"use strict";
(function () {
    const button = document.getElementById("menu-button");
    button.addEventListener("click", function () {
        const isOpen = document.body.classList.toggle("menu-open");
        button.setAttribute("aria-expanded", String(isOpen));
    });
    const here = document.querySelector("#menu [aria-current]");
    const menu = document.getElementById("menu");
    if (here && here.offsetTop > menu.clientHeight) {
        menu.scrollTop = here.offsetTop - menu.clientHeight / 2;
    }
})();
