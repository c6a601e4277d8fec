import * as imagepull from "@pulumi/imagepull";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const host = config.require("host");
const namespace = config.require("namespace");

// Both registries in one Secret; Pods of the ServiceAccount `default` get it, too.
const access = new imagepull.RegistryAccess("private", {
    registries: [{ host }, { host: "ghcr.io", username: "robot", password: config.requireSecret("robotToken") }],
    namespaces: [namespace],
    renewal: imagepull.Renewal.Pulumi,
});

const web = new imagepull.Deployment("web", {
    image: `${host}/shop/web:1.0`,
    namespace,
    port: 8080,
    rules: { forbidLatest: true, allowedRegistries: ["*.amazonaws.com"] },
    imagePullSecrets: access.imagePullSecrets,
});

new imagepull.CronJob("nightly", {
    image: `${host}/shop/api:2.0`,
    imagePullPolicy: imagepull.PullPolicy.Always,
    namespace,
    schedule: "0 3 * * *",
    imagePullSecrets: access.imagePullSecrets,
});

// The same by hand: a Secret, and ServiceAccounts that list it.
const tools = new imagepull.RegistrySecret("tools", {
    name: "tools",
    namespaces: [namespace],
    registries: [{ host: config.require("toolsHost") }],
});
new imagepull.ServiceAccountImagePullSecrets(
    "tools",
    { secretNames: ["tools"], namespaces: [namespace] },
    { dependsOn: tools },
);

export const hosts = access.hosts;
export const images = web.resolvedImages;
