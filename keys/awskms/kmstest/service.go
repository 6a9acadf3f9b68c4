package kmstest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Region is where the service is, AccessKey and SecretKey are what it knows of whoever may call it.
const (
	Region    = "eu-central-1"
	AccessKey = "AKIAIOSFODNN7EXAMPLE"
	SecretKey = "a-secret-that-must-not-show"

	account     = "arn:aws:kms:" + Region + ":111122223333:"
	aliasPrefix = "alias/"
)

// Service is a fake of AWS KMS. Its fields are read and changed within Set.
type Service struct {
	*httptest.Server
	Credentials string // a file of its caller's

	mu      sync.Mutex          // guards all below
	Keys    map[string]*Key     // by id
	Aliases map[string]string   // name → id
	Now     time.Time           // by which keys are deleted
	Refuse  map[string]string   // action → code that it answers; "" is every action
	Status  int                 // of every answer; 0: as it should be
	Garbage bool                // answers are no JSON
	Hang    chan struct{}       // requests wait until it is closed; nil: they do not
	Lag     int                 // how often a new alias is not known yet
	Asked   map[string]int      // action → how often
	Before  func(action string) // is called before an action, without the lock; nil: nothing
	unseen  map[string]int      // alias → how often it is still not known
}

// Key is a KMS key.
type Key struct {
	ID, Description, State, Origin, Spec, Usage, Manager string
	MultiRegion                                          bool
	Deletion                                             time.Time // zero: it is not scheduled
	secret                                               []byte
}

// New starts a service without keys, for one test.
func New(t *testing.T) *Service {
	t.Helper()
	s := &Service{
		Keys: map[string]*Key{}, Aliases: map[string]string{}, unseen: map[string]int{}, Asked: map[string]int{}, Refuse: map[string]string{},
		Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Credentials: filepath.Join(t.TempDir(), "credentials"),
	}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", AccessKey, SecretKey)
	if err := os.WriteFile(s.Credentials, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Server.Close)
	return s
}

// Set changes how the service behaves.
func (s *Service) Set(change func(*Service)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// Pass lets days go by.
func (s *Service) Pass(days int) { s.Set(func(s *Service) { s.Now = s.Now.AddDate(0, 0, days) }) }

// Find looks a key up by alias, id or ARN; within Set.
func (s *Service) Find(name string) *Key { return s.find(name) }

// Schedule is somebody else's order to delete a key, Cancel takes one back; within Set.
func (s *Service) Schedule(k *Key) { k.State, k.Deletion = "PendingDeletion", s.Now.AddDate(0, 0, 7) }

// Cancel leaves the key disabled, as CancelKeyDeletion does.
func (s *Service) Cancel(k *Key) { k.State, k.Deletion = "Disabled", time.Time{} }

// refusal is an answer that says no.
type refusal struct{ code, words string }

func no(code, words string) *refusal { return &refusal{code, words} }

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	action, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	s.mu.Lock()
	hang, before := s.Hang, s.Before
	s.mu.Unlock()
	if before != nil {
		before(action)
	}
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Asked[action]++
	switch code := s.Refuse[action] + s.Refuse[""]; {
	case s.Garbage:
		_, _ = w.Write([]byte("<html>"))
	case s.Status != 0:
		w.WriteHeader(s.Status)
	case code != "":
		answer(w, nil, no(code, "arn:aws:iam::111122223333:user/tutela is not authorized, or too fast"))
	default:
		out, refused := s.act(r, action, body)
		answer(w, out, refused)
	}
}

func answer(w http.ResponseWriter, out any, refused *refusal) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if refused != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": refused.code, "message": refused.words}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// signed checks the signature by making it again.
func (s *Service) signed(r *http.Request, body []byte) *refusal {
	authorization := r.Header.Get("Authorization")
	_, list, _ := strings.Cut(authorization, "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}, ContentLength: r.ContentLength}
	for _, name := range strings.Split(list, ";") {
		if v := r.Header.Get(name); v != "" && name != "host" {
			again.Header.Set(name, v)
		}
	}
	for _, name := range []string{"host", "x-amz-date", "x-amz-target"} {
		if !slices.Contains(strings.Split(list, ";"), name) {
			return no("IncompleteSignatureException", name+" is not signed")
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return no("IncompleteSignatureException", "no date")
	}
	digest := sha256.Sum256(body)
	who := aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey}
	err = v4.NewSigner().SignHTTP(r.Context(), who, again, hex.EncodeToString(digest[:]), "kms", Region, at)
	if err != nil || again.Header.Get("Authorization") != authorization {
		return no("InvalidSignatureException", "Credential should be scoped to a valid region.")
	}
	return nil
}

// asked is what any action is asked with.
type question struct {
	KeyID               string            `json:"KeyId"`
	AliasName           string            `json:"AliasName"`
	TargetKeyID         string            `json:"TargetKeyId"`
	Description         string            `json:"Description"`
	Plaintext           []byte            `json:"Plaintext"`
	CiphertextBlob      []byte            `json:"CiphertextBlob"`
	EncryptionContext   map[string]string `json:"EncryptionContext"`
	PendingWindowInDays int               `json:"PendingWindowInDays"`
	Limit               int               `json:"Limit"`
	Marker              string            `json:"Marker"`
}

func (s *Service) act(r *http.Request, action string, body []byte) (any, *refusal) {
	if refused := s.signed(r, body); refused != nil {
		return nil, refused
	}
	var q question
	if json.Unmarshal(body, &q) != nil {
		return nil, no("SerializationException", "")
	}
	s.expire()
	switch action {
	case "CreateKey":
		return s.createKey(q)
	case "CreateAlias":
		return s.createAlias(q)
	case "DeleteAlias":
		return s.deleteAlias(q)
	case "ListAliases":
		return s.listAliases(q)
	}
	k := s.find(q.KeyID)
	if k == nil {
		return nil, no("NotFoundException", "Alias "+q.KeyID+" is not found.")
	}
	switch action {
	case "DescribeKey":
		return map[string]any{"KeyMetadata": k.metadata()}, nil
	case "ScheduleKeyDeletion":
		return s.schedule(k, q)
	case "Encrypt":
		return k.encrypt(q)
	case "Decrypt":
		return k.decrypt(q)
	}
	return nil, no("UnknownOperationException", "")
}

// expire deletes keys whose window is over, with all that refers to them.
func (s *Service) expire() {
	maps.DeleteFunc(s.Keys, func(_ string, k *Key) bool { return !k.Deletion.IsZero() && !s.Now.Before(k.Deletion) })
	maps.DeleteFunc(s.Aliases, func(_, id string) bool { return s.Keys[id] == nil })
}

// find looks a key up by alias, id or ARN.
func (s *Service) find(name string) *Key {
	if strings.HasPrefix(name, aliasPrefix) {
		if s.unseen[name] > 0 {
			s.unseen[name]--
			return nil
		}
		name = s.Aliases[name]
	}
	return s.Keys[strings.TrimPrefix(name, account+"key/")]
}

func (s *Service) createKey(q question) (any, *refusal) {
	raw := make([]byte, 16+32)
	_, _ = rand.Read(raw)
	id := fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:16])
	k := &Key{
		ID: id, Description: q.Description, State: "Enabled", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Manager: "CUSTOMER", secret: raw[16:],
	}
	s.Keys[id] = k
	return map[string]any{"KeyMetadata": k.metadata()}, nil
}

func (s *Service) createAlias(q question) (any, *refusal) {
	carried := 0
	for _, id := range s.Aliases {
		if id == q.TargetKeyID {
			carried++
		}
	}
	switch {
	case s.Aliases[q.AliasName] != "":
		return nil, no("AlreadyExistsException", "An alias with the name exists.")
	case s.Keys[q.TargetKeyID] == nil:
		return nil, no("NotFoundException", "Key is not found.")
	case s.Keys[q.TargetKeyID].State == "PendingDeletion":
		return nil, no("KMSInvalidStateException", "Key is pending deletion.")
	case carried >= 50:
		return nil, no("LimitExceededException", "Aliases per KMS key.")
	}
	s.Aliases[q.AliasName], s.unseen[q.AliasName] = q.TargetKeyID, s.Lag
	return struct{}{}, nil
}

func (s *Service) deleteAlias(q question) (any, *refusal) {
	if s.Aliases[q.AliasName] == "" {
		return nil, no("NotFoundException", "Alias is not found.")
	}
	delete(s.Aliases, q.AliasName)
	return struct{}{}, nil
}

// listAliases gives a page of at most ten, so that a few make several.
func (s *Service) listAliases(q question) (any, *refusal) {
	names := slices.Sorted(maps.Keys(s.Aliases))
	from, _ := slices.BinarySearch(names, q.Marker)
	page := names[from:min(from+min(q.Limit, 10), len(names))]
	list := []map[string]string{}
	for _, name := range page {
		list = append(list, map[string]string{"AliasName": name, "AliasArn": account + name, "TargetKeyId": s.Aliases[name]})
	}
	out := map[string]any{"Aliases": list, "Truncated": false}
	if from+len(page) < len(names) {
		out["Truncated"], out["NextMarker"] = true, names[from+len(page)]
	}
	return out, nil
}

func (s *Service) schedule(k *Key, q question) (any, *refusal) {
	if q.PendingWindowInDays < 7 || q.PendingWindowInDays > 30 {
		return nil, no("ValidationException", "Value at 'pendingWindowInDays' failed to satisfy constraint")
	}
	if k.State == "PendingDeletion" {
		return nil, no("KMSInvalidStateException", k.arn()+" is pending deletion.")
	}
	k.State, k.Deletion = "PendingDeletion", s.Now.AddDate(0, 0, q.PendingWindowInDays)
	return map[string]any{"KeyId": k.arn(), "KeyState": k.State, "DeletionDate": k.Deletion.Unix(), "PendingWindowInDays": q.PendingWindowInDays}, nil
}

func (k *Key) arn() string { return account + "key/" + k.ID }

func (k *Key) metadata() map[string]any {
	m := map[string]any{
		"AWSAccountId": "111122223333", "KeyId": k.ID, "Arn": k.arn(), "Description": k.Description, "Enabled": k.State == "Enabled", "KeyState": k.State,
		"KeyUsage": k.Usage, "KeyManager": k.Manager, "KeySpec": k.Spec, "Origin": k.Origin, "MultiRegion": k.MultiRegion,
	}
	if !k.Deletion.IsZero() {
		m["DeletionDate"] = k.Deletion.Unix()
	}
	return m
}

// usable says why a key does not encrypt or decrypt.
func (k *Key) usable() *refusal {
	switch k.State {
	case "Enabled":
		return nil
	case "Disabled":
		return no("DisabledException", k.arn()+" is disabled.")
	}
	return no("KMSInvalidStateException", k.arn()+" is pending deletion.")
}

// bound is the key, and what the encryption context binds in the order of its names.
func (k *Key) bound(context map[string]string) (cipher.AEAD, []byte) {
	block, err := aes.NewCipher(k.secret)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(context)) {
		b = fmt.Appendf(b, "%d:%s%d:%s", len(name), name, len(context[name]), context[name])
	}
	return aead, b
}

func (k *Key) encrypt(q question) (any, *refusal) {
	if refused := k.usable(); refused != nil {
		return nil, refused
	}
	aead, context := k.bound(q.EncryptionContext)
	blob := aead.Seal([]byte(k.ID), nil, q.Plaintext, context)
	return map[string]any{"KeyId": k.arn(), "CiphertextBlob": blob, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

func (k *Key) decrypt(q question) (any, *refusal) {
	if refused := k.usable(); refused != nil {
		return nil, refused
	}
	sealed, ours := bytes.CutPrefix(q.CiphertextBlob, []byte(k.ID))
	if !ours && len(q.CiphertextBlob) > len(k.ID) && bytes.Count(q.CiphertextBlob[:len(k.ID)], []byte("-")) == 4 {
		return nil, no("IncorrectKeyException", "The key ID in the request does not identify a key that can perform this operation.")
	}
	aead, context := k.bound(q.EncryptionContext)
	plain, err := aead.Open(nil, nil, sealed, context)
	if !ours || err != nil {
		return nil, no("InvalidCiphertextException", "")
	}
	return map[string]any{"KeyId": k.arn(), "Plaintext": plain, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}
