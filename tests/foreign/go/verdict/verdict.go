// SPDX-License-Identifier: Apache-2.0

// Package verdict counts what came out well and says what did not, for the programs beside it.
package verdict

import (
	"fmt"
	"os"
)

var passed, failed int

// Check counts one claim; where it does not hold, err says why and the rest which one it was.
func Check(err error, format string, arguments ...any) bool {
	if err == nil {
		passed++
		return true
	}
	failed++
	fmt.Printf("FAIL: %s: %v\n", fmt.Sprintf(format, arguments...), err)
	return false
}

// Exit prints the sum and ends the program: well if nothing failed, and something was checked.
func Exit() {
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
	os.Exit(0)
}
