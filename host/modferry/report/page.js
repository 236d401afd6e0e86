"use strict";
(function () {
  function words(text) {
    return text.toLowerCase().split(/\s+/).filter(Boolean);
  }

  function apply(box) {
    var table = document.getElementById(box.getAttribute("aria-controls"));
    var rows = Array.from(table.tBodies[0].rows);
    var wanted = words(box.value);
    var left = 0;
    rows.forEach(function (row) {
      var text = row.textContent.toLowerCase();
      row.hidden = !wanted.every(function (word) { return text.includes(word); });
      left += row.hidden ? 0 : 1;
    });
    var count = box.parentNode.querySelector(".count");
    count.textContent = wanted.length ? left + " of " + rows.length + " shown" : "";
  }

  var boxes = Array.from(document.querySelectorAll(".filter input"));
  boxes.forEach(function (box) {
    box.parentNode.hidden = false;
    box.addEventListener("input", function () { apply(box); });
  });

  var graphs = Array.from(document.querySelectorAll("svg.graph"));

  function light(graph, number) {
    graph.classList.toggle("lit", number !== null);
    var on = new Set([number]);
    graph.querySelectorAll(".edge").forEach(function (edge) {
      var ends = edge.dataset.ends.split(" ");
      var lit = number !== null && ends.includes(number);
      edge.classList.toggle("on", lit);
      if (lit) { ends.forEach(function (end) { on.add(end); }); }
    });
    graph.querySelectorAll(".node").forEach(function (node) {
      node.classList.toggle("on", number !== null && on.has(node.dataset.node));
    });
  }

  function pressed(graph) {
    return graph.querySelector('.node[aria-pressed="true"]');
  }

  function choose(node) {
    var again = node.getAttribute("aria-pressed") === "true";
    var label = node.dataset.label;
    graphs.forEach(function (graph) {
      var found = null;
      graph.querySelectorAll(".node").forEach(function (each) {
        var on = !again && each.dataset.label === label;
        each.setAttribute("aria-pressed", String(on));
        if (on) { found = each.dataset.node; }
      });
      light(graph, found);
    });
    boxes.forEach(function (box) {
      box.value = again ? "" : label;
      apply(box);
    });
  }

  graphs.forEach(function (graph) {
    graph.setAttribute("role", "group");
    graph.querySelectorAll(".node").forEach(function (node) {
      var title = node.querySelector("title");
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-pressed", "false");
      node.setAttribute("aria-label", title ? title.textContent : node.dataset.label);
      function rest() {
        var chosen = pressed(graph);
        light(graph, chosen ? chosen.dataset.node : null);
      }
      node.addEventListener("mouseenter", function () { light(graph, node.dataset.node); });
      node.addEventListener("mouseleave", rest);
      node.addEventListener("focus", function () { light(graph, node.dataset.node); });
      node.addEventListener("blur", rest);
      node.addEventListener("click", function () { choose(node); });
      node.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          choose(node);
        }
      });
    });
  });
}());
