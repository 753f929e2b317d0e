package validate

// referenceRules speak of ids and what they lead to.
var referenceRules = []Rule{
	{
		Code: "R001", Severity: Error, Title: "reference to nothing",
		Why: "What is referred to cannot be restored.",
		Fix: fixCapture, Example: "a descriptor of file 99, which does not exist",
	},
	{
		Code: "R002", Severity: Error, Title: "reference to an object of another kind",
		Why: "A pipe cannot be used as memory.",
		Fix: fixCapture, Example: "a task whose memory is a file table",
	},
	{
		Code: "R003", Severity: Error, Title: "object id twice",
		Why: "Ids are unique over all kinds; a reference would be ambiguous.",
		Fix: fixCapture, Example: "two pipes with id 30",
	},
	{
		Code: "R004", Severity: Error, Title: "object without id",
		Why: "Zero means none; nothing can refer to the object.",
		Fix: fixCapture, Example: "a pipe buffer with id 0",
	},
	{
		Code: "R005", Severity: Error, Title: "objects out of order",
		Why: "The same image must give the same bytes; lists are ordered by id.",
		Fix: "sort the list by id", Example: "file 21 before file 20",
	},
	{
		Code: "R006", Severity: Error, Title: "reference not set",
		Why: "The object cannot be without it.",
		Fix: fixCapture, Example: "a pipe's end without a buffer",
	},
	{
		Code: "R007", Severity: Note, Title: "object that nothing refers to",
		Why: "It is not restored; the capture or a conversion lost who had it.",
		Fix: "none needed; the object can be left out", Example: "an open file in no descriptor table",
	},
	{
		Code: "R089", Severity: Error, Title: "attachment that means nothing to anybody",
		Why: "Without its format and record nobody can read it; its role says whether a task can go on without it.",
		Fix: fixCapture, Example: "role important",
	},
	{
		Code: "R088", Severity: Warning, Title: "attachment of nothing",
		Why: "The record belongs to a task or an object that the image does not hold.",
		Fix: "none needed unless the image is converted back", Example: "an attachment of task 999",
	},
}
