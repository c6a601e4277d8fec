// Package aws asks ECR at the lab's endpoint: the AWS SDK of this program's age knows no AWS_ENDPOINT_URL.
package aws

import (
	"encoding/base64"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/ecr"
)

// DockerCredentials is a user name and password, and where they are good.
type DockerCredentials struct {
	Username, Password, Server string
}

// GetDockerCredentials calls GetAuthorizationToken once.
func GetDockerCredentials() (*DockerCredentials, error) {
	opened, err := session.NewSession(&aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_ECR"))})
	if err != nil {
		return nil, err
	}
	answer, err := ecr.New(opened).GetAuthorizationToken(&ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, err
	}
	told := answer.AuthorizationData[0]
	text, err := base64.StdEncoding.DecodeString(*told.AuthorizationToken)
	if err != nil {
		return nil, err
	}
	username, password, _ := strings.Cut(string(text), ":")
	return &DockerCredentials{Username: username, Password: password, Server: *told.ProxyEndpoint}, nil
}
