// A page of the guide before an example or a name of the API that has the word as often; Sphinx's other scores as they are.
var Scorer = {
  score: ([docname, , , , score]) => (docname.startsWith("user_guide/") ? 2 * score : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
