using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Secrets;

/// <summary>
/// No secret leaves the node, in any form, by any way out: responses, headers, logs, metrics, traces, health, the database, the files beside it and backups.
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
        await node.Collector.WaitAsync(received => SecretsFixture.LanguageModels.All(
            model => received.Spans.Any(span => span.Name.EndsWith($" {model}", StringComparison.Ordinal) && span.Attributes.ContainsKey("error.type"))));
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        written["what the collector received"] = [.. node.Collector.Bodies.SelectMany(body => body)];
        // The upstreams repeat prompts in all that they say, too.
        Assert.Equal(-1, written["what the collector received"].AsSpan().IndexOf(Encoding.UTF8.GetBytes(Prompt)));
        written["the backup"] = await BackUpAsync(node.Data);
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
