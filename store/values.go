package store

import (
	"database/sql/driver"
	"errors"
	"reflect"

	"github.com/tutela-health/tutela/internal/errs"
)

var (
	errArity = errors.New("row and destinations differ in number")
	errType  = errors.New("column and destination differ in type")
)

// plain reduces v to what both engines bind: int64, string, []byte or nil.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case int64, string, []byte, nil:
		return v, nil
	case int:
		return int64(v), nil
	case bool:
		return boolInt(v), nil
	}
	return plainKind(reflect.ValueOf(v))
}

func plainKind(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint()), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return boolInt(v.Bool()), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes(), nil
		}
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return plain(v.Elem().Interface())
	}
	return nil, errs.New(errs.Internal, "a value of type %s cannot be stored", v.Type())
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// assign stores a column's value into dest. It takes ownership of bytes.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *int64:
		n, ok := v.(int64)
		*d = n
		return typed(ok)
	case *int:
		n, ok := v.(int64)
		*d = int(n)
		return typed(ok)
	case *[]byte:
		return assignBytes(d, v)
	case *string:
		s, ok := v.(string)
		*d = s
		return typed(ok)
	case *bool:
		n, ok := v.(int64)
		*d = n != 0
		return typed(ok)
	}
	return assignKind(reflect.ValueOf(dest), v)
}

func typed(ok bool) error {
	if !ok {
		return errType
	}
	return nil
}

// assignBytes keeps NULL (nil) and empty (not nil) apart.
func assignBytes(d *[]byte, v driver.Value) error {
	b, ok := v.([]byte)
	if ok && b == nil {
		b = []byte{}
	}
	*d = b
	return typed(ok || v == nil)
}

// assignKind serves destinations of named types, and pointers to pointers for columns that may be NULL.
func assignKind(dest reflect.Value, v driver.Value) error {
	if dest.Kind() != reflect.Pointer || dest.IsNil() {
		return errType
	}
	d := dest.Elem()
	if d.Kind() == reflect.Pointer {
		return assignOptional(d, v)
	}
	switch v := v.(type) {
	case int64:
		return assignInt(d, v)
	case string:
		if d.Kind() == reflect.String {
			d.SetString(v)
			return nil
		}
	case []byte:
		if d.Kind() == reflect.Slice && d.Type().Elem().Kind() == reflect.Uint8 {
			d.SetBytes(v)
			return nil
		}
	}
	return errType
}

func assignOptional(d reflect.Value, v driver.Value) error {
	if v == nil {
		d.SetZero()
		return nil
	}
	d.Set(reflect.New(d.Type().Elem()))
	return assign(d.Interface(), v)
}

func assignInt(d reflect.Value, v int64) error {
	switch {
	case d.CanInt() && !d.OverflowInt(v):
		d.SetInt(v)
	case d.CanUint() && v >= 0 && !d.OverflowUint(uint64(v)):
		d.SetUint(uint64(v))
	case d.Kind() == reflect.Bool:
		d.SetBool(v != 0)
	default:
		return errType
	}
	return nil
}
