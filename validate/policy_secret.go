package validate

import (
	"strings"

	"github.com/thaw-cr/thaw/validate/policy"
)

// maxValue is how much of a value is compared with patterns, in bytes.
const maxValue = 4096

// judgeSecrets looks for secrets in environment and command. Their values are
// never told.
func judgeSecrets(j *judge) {
	for _, e := range j.k.Env {
		name, value, _ := strings.Cut(e, "=")
		if secret(j, name, value) {
			j.find("A052", inSpec, "%.100q in the environment", name)
		}
	}
	for i, a := range j.k.Args {
		name, value, given := strings.Cut(a, "=")
		option := strings.HasPrefix(name, "-")
		if option && !given && i+1 < len(j.k.Args) && !strings.HasPrefix(j.k.Args[i+1], "-") {
			value = j.k.Args[i+1]
		}
		switch {
		case option && secret(j, strings.TrimLeft(name, "-"), value):
			j.find("A052", inSpec, "option %.100q in the command", name)
		case !option && secretValue(j, a):
			j.find("A052", inSpec, "argument %d of the command", i)
		}
	}
}

// secret says whether a value is a secret, by its name or by itself.
func secret(j *judge, name, value string) bool {
	if value == "" {
		return false
	}
	return j.Denies(policy.SecretNames, strings.ToUpper(name[:min(len(name), maxValue)])) || secretValue(j, value)
}

func secretValue(j *judge, value string) bool {
	return j.Denies(policy.SecretValues, value[:min(len(value), maxValue)])
}
