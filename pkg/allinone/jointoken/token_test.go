package jointoken

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	hash := "sha256:" + strings.Repeat("0f", 32)
	other := "sha256:" + strings.Repeat("1f", 32)
	const plain = "abcdef.0123456789abcdef"
	want := Token{CAHash: hash, ID: "abcdef", Secret: "0123456789abcdef"}
	for _, c := range []struct {
		name, text, hash string
		says             string // of the error; empty: want
	}{
		{"whole", hash + "::" + plain, "", ""},
		{"white space of a file", "  " + hash + "::" + plain + "\n", "", ""},
		{"as kubeadm gives it", plain, hash, ""},
		{"the same twice", hash + "::" + plain, strings.ToUpper(hash[:7]) + hash[7:], ""},
		{"capital letters", "SHA256:" + strings.ToUpper(hash[7:]) + "::" + plain, "", ""},
		{"two clusters", hash + "::" + plain, other, "different clusters"},
		{"no hash", plain, "", "does not say which cluster"},
		{"a short hash", hash[:60] + "::" + plain, "", "hash in the token is damaged"},
		{"another algorithm", "md5:00::" + plain, "", "hash in the token is damaged"},
		{"a short secret", hash + "::abcdef.0123", "", "copy it whole"},
		{"capitals in the secret", hash + "::ABCDEF.0123456789abcdef", "", "copy it whole"},
		{"nothing", "", "", "copy it whole"},
		{"the hash only", hash, "", "copy it whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.text, c.hash)
			if c.says == "" {
				if err != nil || got != want {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
			if strings.Contains(err.Error(), "0123456789abcdef") && !strings.Contains(err.Error(), "of the form") {
				t.Errorf("the secret is in the message: %v", err)
			}
		})
	}
	if _, err := Parse(plain, ""); !errors.Is(err, ErrNoHash) {
		t.Errorf("got %v, want ErrNoHash", err)
	}
	if again, err := Parse(want.String(), ""); err != nil || again != want {
		t.Errorf("%s read again: %+v, %v", want, again, err)
	}
}

func TestParseID(t *testing.T) {
	for text, want := range map[string]string{
		"abcdef": "abcdef", "abcdef.0123456789abcdef": "abcdef", "sha256:00::abcdef.0123456789abcdef": "abcdef",
		"": "", "abc": "", "ABCDEF": "", "../../": "",
	} {
		got, err := ParseID(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
