package awskms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/tutela-health/tutela/internal/errs"
)

// Bounds on one request.
const (
	patience   = 10 * time.Second
	maxAnswer  = 1 << 20
	maxInWords = 200 // of an error's text
)

// MinWindow and MaxWindow bound for how many days KMS keeps a key that is to be deleted.
const (
	MinWindow = 7
	MaxWindow = 30
)

// Config says which keys of which Region these are, and who asks for them.
type Config struct {
	Region   string // eu-central-1
	Prefix   string // of the aliases: tells this system's keys from others'
	Endpoint string // https://… of a VPC endpoint; empty: the Region's, FIPS-validated unless NoFIPS
	NoFIPS   bool   // the Region's ordinary endpoint: some have no other
	Window   int    // days until a key that is destroyed is gone, 7 to 30; 0: 7

	// CredentialsFile is a shared credentials file; it is read anew each minute, so that an agent may renew it.
	// Empty: whom the machine is, by the SDK's chain (environment, web identity, container, instance).
	CredentialsFile string
	Profile         string // in that file, or of the chain; empty: the default one
	CAFile          string // PEM of whom to trust; empty: the machine's authorities
}

func (c Config) check() error {
	switch {
	case !regionName().MatchString(c.Region):
		return errs.New(errs.Invalid, "the region of AWS KMS is named as in eu-central-1")
	case !namePart().MatchString(c.Prefix):
		return errs.New(errs.Invalid, "the prefix of KMS aliases is small letters, digits and dashes")
	case c.Window < MinWindow || c.Window > MaxWindow:
		return errs.New(errs.Invalid, "AWS KMS deletes a key %d to %d days after the order", MinWindow, MaxWindow)
	case c.Endpoint == "":
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return errs.New(errs.Invalid, "the endpoint of AWS KMS must be https://HOST: it is sent keys")
	}
	return nil
}

func regionName() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,9}){1,3}-[0-9]{1,2}$`)
}
func namePart() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,60}$`) }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// options are the client's. They are put together here, and not taken from the environment as a whole: that could
// say where keys are sent. A call is made once: who asks here asks again, and an outage is to be seen.
func options(ctx context.Context, cfg Config) (kms.Options, error) {
	who, err := credentials(ctx, cfg)
	if err != nil {
		return kms.Options{}, err
	}
	web, err := webClient(cfg)
	if err != nil {
		return kms.Options{}, err
	}
	o := kms.Options{Region: cfg.Region, Credentials: who, HTTPClient: web, Retryer: aws.NopRetryer{}, Logger: logging.Nop{}}
	switch {
	case cfg.Endpoint != "":
		o.BaseEndpoint = aws.String(cfg.Endpoint)
	case !cfg.NoFIPS:
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	return o, nil
}

func webClient(cfg Config) (*http.Client, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		text, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the key provider's authorities: %w", err)
		}
		if t.RootCAs = x509.NewCertPool(); !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, errs.New(errs.Invalid, "%s holds no certificate", cfg.CAFile)
		}
	}
	return &http.Client{
		Transport:     bounded{&http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}, nil
}

// bounded reads no more of an answer than one can have.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxAnswer), res.Body}
	return res, nil
}

// ask makes one call, within its time, and gives its error a kind.
func ask[In, Out any](ctx context.Context, call func(context.Context, *In, ...func(*kms.Options)) (*Out, error), in *In) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := call(ctx, in)
	if err != nil {
		return nil, said(err)
	}
	return out, nil
}

// The codes that are told apart (AWS KMS API Reference, Errors of each action and Common Errors).
const (
	codeNotFound      = "NotFoundException"
	codeExists        = "AlreadyExistsException"
	codeState         = "KMSInvalidStateException"
	codeDisabled      = "DisabledException"
	codeLimit         = "LimitExceededException"
	codeDenied        = "AccessDeniedException"
	codeThrottled     = "ThrottlingException"
	codeBadCiphertext = "InvalidCiphertextException"
	codeIncorrectKey  = "IncorrectKeyException"
)

// refused is an answer that says no.
type refused struct{ code, words string }

func (r *refused) Error() string { return fmt.Sprintf("AWS KMS answered %s: %s", r.code, r.words) }

// is reports whether err is an answer of one of these codes.
func is(err error, codes ...string) bool {
	var r *refused
	if !errors.As(err, &r) {
		return false
	}
	for _, c := range codes {
		if r.code == c {
			return true
		}
	}
	return false
}

// said gives what went wrong its kind. What is not the question's fault is errs.Unavailable: no network, throttled,
// credentials that have ended or may too little.
func said(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return errs.Wrap(errs.Unavailable, err, "AWS KMS does not answer, or there is nobody to sign for")
	}
	r := &refused{api.ErrorCode(), api.ErrorMessage()}
	if len(r.words) > maxInWords {
		r.words = r.words[:maxInWords]
	}
	switch r.code {
	case codeNotFound:
		return errs.Wrap(errs.NotFound, r, "AWS KMS has no such key")
	case codeExists:
		return errs.Wrap(errs.Conflict, r, "AWS KMS has this alias")
	case codeBadCiphertext, codeIncorrectKey:
		return r
	case codeThrottled:
		return errs.Wrap(errs.Unavailable, r, "AWS KMS answers no more at this pace")
	case codeDenied, "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId", "MissingAuthenticationToken", "IncompleteSignature":
		return errs.Wrap(errs.Unavailable, r, "AWS KMS refuses the credentials: have they ended, are they another region's, or may they too little?")
	case codeDisabled:
		return errs.Wrap(errs.Unavailable, r, "the KMS key is disabled: enable it")
	case codeLimit:
		return errs.Wrap(errs.Unavailable, r, "a quota of AWS KMS is reached")
	}
	return errs.Wrap(errs.Unavailable, r, "AWS KMS does not do what it is asked")
}
