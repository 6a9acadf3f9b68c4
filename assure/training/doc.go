// Package training keeps what people are to know, and who has shown that he does: modules in Markdown with questions, by
// role and again every so many months; and what a learning system, a phishing test or a drill elsewhere showed.
//
// Which answers are right never leaves the server. A person answers for himself alone, and every try is kept.
package training
