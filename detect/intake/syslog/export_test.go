package syslog

import (
	"bufio"
	"bytes"
)

// Stream gives the messages of a whole connection.
func Stream(b []byte) (list []Message) {
	r, p := bufio.NewReader(bytes.NewReader(b)), newParser()
	for {
		frame, err := readFrame(r)
		if err != nil {
			return list
		}
		if len(frame) > 0 {
			list = append(list, p.parse(frame))
		}
	}
}
