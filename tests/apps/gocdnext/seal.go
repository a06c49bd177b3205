package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// seal encrypts a secret with the key, AES in hexadecimal digits: without that key nothing opens it.
func seal(key, value string) (string, error) {
	sealer, err := sealerOf(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, sealer.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return hex.EncodeToString(sealer.Seal(nonce, nonce, []byte(value), nil)), nil
}

func opens(key, sealed string) bool {
	sealer, err := sealerOf(key)
	if err != nil {
		return false
	}
	bytes, err := hex.DecodeString(sealed)
	if err != nil || len(bytes) < sealer.NonceSize() {
		return false
	}
	_, err = sealer.Open(nil, bytes[:sealer.NonceSize()], bytes[sealer.NonceSize():], nil)
	return err == nil
}

func sealerOf(key string) (cipher.AEAD, error) {
	bytes, err := hex.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("GOCDNEXT_SECRET_KEY: %w", err)
	}
	block, err := aes.NewCipher(bytes)
	if err != nil {
		return nil, fmt.Errorf("GOCDNEXT_SECRET_KEY: %w", err)
	}
	return cipher.NewGCM(block)
}
