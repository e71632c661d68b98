using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Security.Tests.Tenants;

namespace CozeCluster.Security.Tests.Secrets;

/// <summary>
/// No secret leaves the node, in any form, by any way out: responses of all APIs, headers, logs, metrics, traces, health, notifications, the database, the
/// files beside it, backups, and what commands print.
/// </summary>
public sealed class CanaryTests
{
    private const string Prompt = "Say what you have heard.";

    [Fact]
    public async Task No_secret_is_in_anything_that_the_node_writes()
    {
        await using var node = await SecretsFixture.StartAsync();
        var written = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var model in SecretsFixture.Models)
        {
            written[$"the stream of {model}"] = await ChatAsync(node, model, stream: true);
            written[$"the answer of {model}"] = await ChatAsync(node, model, stream: false);
            written[$"the images of {model}"] = await SendAsync(
                node, HttpMethod.Post, "/v1/images/generations", node.Key, new JsonObject { ["model"] = model, ["prompt"] = "a cat" },
                node.HeadersOf(model));
        }
        foreach (var model in SecretsFixture.EmbeddingModels)
        {
            written[$"the vectors of {model}"] = await SendAsync(
                node, HttpMethod.Post, "/v1/embeddings", node.Key, new JsonObject { ["model"] = model, ["input"] = "a cat" }, node.HeadersOf(model));
        }
        // A key where none is taken, and keys in a form that is not accepted.
        var ownKey = node.Secrets["the own key of a tenant"];
        foreach (var value in (string[])[$"openai {ownKey}", ownKey, $"Bearer {ownKey}", $"{ownKey} {ownKey}"])
        {
            written[$"the refusal of a header of {value.Length} characters"] = await SendAsync(
                node, HttpMethod.Post, "/v1/embeddings", node.Key, new JsonObject { ["model"] = "openai-refusal-vectors", ["input"] = "a cat" },
                new Dictionary<string, string> { ["x-upstream-authorization"] = value });
        }
        // All upstreams have been asked, and their words reach the client, without the secrets in them.
        Assert.True(node.Requests > SecretsFixture.Models.Length);
        var ofLanguageModels = SecretsFixture.LanguageModels.Concat(SecretsFixture.OwnKeyModels).Append("openai-own-refusal-vectors")
            .Where(model => !model.EndsWith("-page", StringComparison.Ordinal));
        foreach (var model in (string[])["refusal", "stream-error", "failed-chat", "proxied", .. ofLanguageModels])
            Assert.Contains(written, text => text.Key.EndsWith($" of {model}", StringComparison.Ordinal) && text.Value.AsSpan().IndexOf("(token)"u8) >= 0);
        foreach (var path in new[] { "/v1/models", "/cozecluster/v1/conversations", "/cozecluster/v1/conversations/talk", "/v1/nothing", "/v1/turns/none" })
        {
            written[path] = await SendAsync(node, HttpMethod.Get, path, node.Key);
            // A key of the wrong kind, and one that is nearly right.
            written[$"{path} for operators"] = await SendAsync(node, HttpMethod.Get, path, node.AdminKey);
            written[$"{path} for nobody"] = await SendAsync(node, HttpMethod.Get, path, node.Key + "x");
        }
        foreach (var path in new[] { "/admin/health", "/metrics", "/health/ready", "/health/live", "/openapi/v1.json" })
        {
            written[path] = await SendAsync(node, HttpMethod.Get, path, node.AdminKey);
            written[$"{path} for tenants"] = await SendAsync(node, HttpMethod.Get, path, node.Key);
        }
        foreach (var route in AdminRouteCases.Roles.Keys.Where(route => route.Contains("/admin/v1", StringComparison.Ordinal)))
        {
            var (method, path) = (new HttpMethod(route.Split(' ')[0]), PathOf(route));
            var body = method == HttpMethod.Get || method == HttpMethod.Delete ? null : new JsonObject();
            var match = new Dictionary<string, string> { ["if-match"] = "*" };
            written[$"{route} for operators"] = await SendAsync(node, method, path, node.AdminKey, body, match);
            written[$"{route} for tenants"] = await SendAsync(node, method, path, node.Key, body, match);
        }
        // With contents, a patch that keeps the stored secrets, one that repeats a new one in the wrong place, and all pages of long lists.
        var account = $"/admin/v1/fleet/accounts/{SecretsFixture.LanguageModels.First()}";
        var any = new Dictionary<string, string> { ["if-match"] = "*" };
        written["the release of an account"] = await SendAsync(node, HttpMethod.Post, account + "/release", node.AdminKey, new JsonObject());
        written["a change of an account"] = await SendAsync(node, HttpMethod.Patch, account, node.AdminKey, new() { ["max_concurrent_turns"] = 7 }, any);
        written["a new secret"] = await SendAsync(node, HttpMethod.Patch, account, node.AdminKey, new() { ["token"] = node.Secrets["a new token"] }, any);
        written["a secret in the wrong place"] = await SendAsync(
            node, HttpMethod.Patch, account, node.AdminKey, new() { ["limits"] = node.Secrets["a new token"] }, any);
        foreach (var path in new[] { "fleet/accounts?limit=1000", "accounts?limit=1000", "health?limit=1000", "turns?limit=1000", "audit?limit=1000",
            "conversations/main/talk?content=true&limit=1000", "usage?group_by=bot,account,model" })
        {
            written[$"all of {path}"] = await SendAsync(node, HttpMethod.Get, $"/admin/v1/{path}", node.AdminKey);
        }
        Assert.True(written["a change of an account"].AsSpan().IndexOf("(secret)"u8) >= 0);
        Assert.True(written["all of fleet/accounts?limit=1000"].AsSpan().IndexOf("(secret)"u8) >= 0);
        written["the notifications"] = await node.ReadNotificationsAsync();
        await node.Collector.WaitAsync(received => SecretsFixture.LanguageModels.All(
            model => received.Spans.Any(span => span.Name.EndsWith($" {model}", StringComparison.Ordinal) && span.Attributes.ContainsKey("error.type"))));
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        written["what the collector received"] = [.. node.Collector.Bodies.SelectMany(body => body)];
        // The upstreams repeat prompts in all that they say, too.
        Assert.Equal(-1, written["what the collector received"].AsSpan().IndexOf(Encoding.UTF8.GetBytes(Prompt)));
        written["the backup"] = await BackUpAsync(node.Data);
        written["keys list"] = await CommandAsync(node, "keys", "list");
        written["keys create"] = await CommandAsync(node, "keys", "create", "--tenant", "main", "--name", "made");
        written["keys revoke"] = await CommandAsync(node, "keys", "revoke", "--tenant", "main", "--name", "made");
        written["keys create, refused"] = await CommandAsync(
            node, "keys", "create", "--tenant", "main", "--name", "x", "--limits", $$"""{"{{node.Secrets["a new token"]}}": 1}""");
        written["secrets rotate"] = await CommandAsync(node, "secrets", "rotate");
        written["secrets forget"] = await CommandAsync(node, "secrets", "forget");
        Assert.True(written["secrets rotate"].AsSpan().IndexOf("Encrypted"u8) >= 0, Encoding.UTF8.GetString(written["secrets rotate"]));
        written["the log"] = Encoding.UTF8.GetBytes(node.Node.Output);
        var files = Directory.GetFiles(node.Data, "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => new FileInfo(file).Length > 10_000);
        foreach (var file in files) written[Path.GetRelativePath(node.Data, file)] = await File.ReadAllBytesAsync(file, TestTimeout.Token);

        Assert.Empty(
            from output in written
            from secret in node.Secrets
            let form = SecretForms.Find(output.Value, secret.Value)
            where form is not null
            select $"{secret.Key} is in {output.Key}: {form}");
    }

    /// <summary>The path of a route for something that exists if it is read, and for nothing if it is changed.</summary>
    private static string PathOf(string route)
    {
        var isRead = route.StartsWith("GET ", StringComparison.Ordinal);
        var thing = SecretsFixture.LanguageModels.First();
        return route.Split(' ')[1]
            .Replace("tenants/{id}", $"tenants/{(isRead ? "main" : "none")}", StringComparison.Ordinal)
            .Replace("{tenant}/keys", "main/keys", StringComparison.Ordinal)
            .Replace("keys/{**name}", "keys/app", StringComparison.Ordinal)
            .Replace("keys/{name}", isRead ? "keys/app" : "keys/none", StringComparison.Ordinal)
            .Replace("{tenant}/{**name}", isRead ? "main/talk" : "main/none", StringComparison.Ordinal)
            .Replace("listeners/{id}", isRead ? "listeners/ear" : "listeners/none", StringComparison.Ordinal)
            .Replace("{**id}", thing, StringComparison.Ordinal).Replace("{id}", isRead ? thing : "none", StringComparison.Ordinal);
    }

    /// <summary>Executes a command of the program.</summary>
    /// <returns>What it prints.</returns>
    private static async Task<byte[]> CommandAsync(SecretsFixture node, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll"), .. arguments, "--data", node.Data])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["COZECLUSTER_SECRETS_KEY"] = node.NewKeys },
        };
        using var command = Process.Start(start)!;
        var (output, errors) = (command.StandardOutput.ReadToEndAsync(TestTimeout.Token), command.StandardError.ReadToEndAsync(TestTimeout.Token));
        var text = await output + await errors;
        await command.WaitForExitAsync(TestTimeout.Token);
        Assert.NotEmpty(text);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>Makes a backup of a data folder.</summary>
    /// <returns>Its content: two lines, and what is compressed behind them.</returns>
    private static async Task<byte[]> BackUpAsync(string data)
    {
        var file = Path.Combine(data, "..", "backup");
        using var command = Process.Start(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll"), "store", "backup", "--data", data, "--to", file]);
        await command.WaitForExitAsync(TestTimeout.Token);
        Assert.Equal(0, command.ExitCode);
        var bytes = await File.ReadAllBytesAsync(file, TestTimeout.Token);
        var behindHeader = Array.IndexOf(bytes, (byte)'\n', Array.IndexOf(bytes, (byte)'\n') + 1) + 1;
        await using var rows = new GZipStream(new MemoryStream(bytes[behindHeader..]), CompressionMode.Decompress);
        using var content = new MemoryStream();
        await rows.CopyToAsync(content, TestTimeout.Token);
        Assert.True(content.Length > 10_000);
        return [.. bytes[..behindHeader], .. content.ToArray()];
    }

    private static Task<byte[]> ChatAsync(SecretsFixture node, string model, bool stream) => SendAsync(
        node, HttpMethod.Post, "/v1/chat/completions", node.Key, new JsonObject
        {
            ["model"] = model,
            ["stream"] = stream,
            ["conversation_id"] = "talk",
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Prompt }),
        },
        node.HeadersOf(model));

    /// <summary>Sends a request.</summary>
    /// <returns>Everything that was received: status, headers and body.</returns>
    private static async Task<byte[]> SendAsync(
        SecretsFixture node, HttpMethod method, string path, string key, JsonObject? body = null, IReadOnlyDictionary<string, string>? headers = null)
    {
        using var response = await node.Http.RequestAsync(method, path, key, body, headers, TestTimeout.Token);
        var received = string.Join('\n', response.Headers.Concat(response.Content.Headers).Select(header => $"{header.Key}: {string.Join(',', header.Value)}"));
        using var content = new MemoryStream();
        try
        {
            await response.Content.CopyToAsync(content, TestTimeout.Token);
        }
        catch (HttpRequestException)
        {
            // A stream with an error in it is cut at its end.
        }
        return [.. Encoding.UTF8.GetBytes($"{(int)response.StatusCode} {response.ReasonPhrase}\n{received}\n"), .. content.ToArray()];
    }
}
