module imagepull/lab/toolchain/k8s-ecr-login-renew

go 1.26.0

require github.com/nabsul/k8s-ecr-login-renew v1.7.1
