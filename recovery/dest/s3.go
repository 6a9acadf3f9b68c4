package dest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/tutela-health/tutela/internal/errs"
)

// bucket is a destination in an S3 bucket, below a prefix.
type bucket struct {
	client   *minio.Client
	name     string
	prefix   string // empty, or ending in a slash
	endpoint string
}

// How long a bucket may keep one waiting: to connect, and for the first byte of an answer.
const (
	connectWithin = 10 * time.Second
	answerWithin  = time.Minute
	attempts      = 3
)

// parseS3 reads what follows s3://.
func parseS3(text string) (Destination, error) {
	address, query, _ := strings.Cut(text, "?")
	name, prefix, _ := strings.Cut(address, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		if err := checkName(prefix); err != nil {
			return nil, err
		}
		prefix += "/"
	}
	parameters, err := url.ParseQuery(query)
	if err != nil || name == "" {
		return nil, errs.New(errs.Invalid, "an S3 destination is s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION&credentials=FILE")
	}
	for key := range parameters {
		if !slices.Contains([]string{"endpoint", "region", "credentials"}, key) {
			return nil, errs.New(errs.Invalid, "an S3 destination has no parameter %s", key)
		}
	}
	host, secure, err := endpoint(parameters.Get("endpoint"))
	if err != nil {
		return nil, err
	}
	client, err := minio.New(host, &minio.Options{
		Creds: known(parameters.Get("credentials")), Secure: secure, Region: parameters.Get("region"), MaxRetries: attempts,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: connectWithin}).DialContext,
			ResponseHeaderTimeout: answerWithin, TLSHandshakeTimeout: connectWithin, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: answerWithin,
		},
	})
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the S3 endpoint is not understood")
	}
	return &bucket{client, name, prefix, host}, nil
}

// endpoint is where a bucket is asked for. Without TLS only on this machine: the calls are signed, and
// what they carry is sealed, but their answers could be anybody's.
func endpoint(text string) (host string, secure bool, err error) {
	if text == "" {
		return "s3.amazonaws.com", true, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return "", false, errs.New(errs.Invalid, "an S3 endpoint is https://HOST or https://HOST:PORT")
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case u.Scheme == "https":
		return u.Host, true, nil
	case u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()):
		return u.Host, false, nil
	}
	return "", false, errs.New(errs.Invalid, "an S3 endpoint beyond this machine is https")
}

// known is as whom the bucket is asked: by a file, or by the environment.
func known(file string) *credentials.Credentials {
	if file != "" {
		return credentials.NewFileAWSCredentials(file, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
}

// String names bucket, prefix and host.
func (b *bucket) String() string { return fmt.Sprintf("s3://%s/%s (%s)", b.name, b.prefix, b.endpoint) }

// Put uploads an object; one in parts is there when the last part is.
func (b *bucket) Put(ctx context.Context, name string, from io.ReadSeeker, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	_, err := b.client.PutObject(ctx, b.name, b.prefix+name, from, size, minio.PutObjectOptions{ContentType: "application/octet-stream"})
	return b.told(err)
}

// Open begins to download an object.
func (b *bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	o, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.told(err)
	}
	if _, err := o.Stat(); err != nil { // asks: GetObject alone does not
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			err = notThere(name)
		}
		return nil, errors.Join(b.told(err), o.Close())
	}
	return o, nil
}

// List lists the bucket below the prefix.
func (b *bucket) List(ctx context.Context, prefix string) ([]Object, error) {
	var list []Object
	for o := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, fmt.Errorf("list %s: %w", b, b.told(o.Err))
		}
		if name := strings.TrimPrefix(o.Key, b.prefix); checkName(name) == nil {
			list = append(list, Object{name, o.Size, o.LastModified})
		}
	}
	slices.SortFunc(list, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return list, ctx.Err()
}

// Remove deletes the object. A bucket that keeps versions keeps this one too, until its own rules end it.
func (b *bucket) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return b.told(b.client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}))
}

// told gives what a bucket refuses the kind that a caller can act on.
func (b *bucket) told(err error) error {
	if err == nil || errs.KindOf(err) != errs.Internal {
		return err
	}
	switch minio.ToErrorResponse(err).Code {
	case minio.AccessDenied, "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return errs.Wrap(errs.Denied, err, fmt.Sprintf("%s refuses these credentials", b))
	case minio.NoSuchBucket:
		return errs.Wrap(errs.NotFound, err, fmt.Sprintf("%s does not exist: make the bucket first", b))
	}
	return errs.Wrap(errs.Unavailable, err, fmt.Sprintf("%s cannot be used now", b))
}
