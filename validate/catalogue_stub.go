package validate

var (
	hierarchyRules []Rule
	memoryRules    []Rule
	vmaRules       []Rule
	registerRules  []Rule
	signalRules    []Rule
	processRules   []Rule
	referenceRules []Rule
	fileRules      []Rule
	objectRules    []Rule
)
