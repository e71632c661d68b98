using System.Text;
using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>Turns that succeed and turns that fail leave no key of a provider in responses, in the log and in the data.</summary>
public sealed class LanguageModelKeyTests
{
    private static readonly string[] Models = ["openai", "claude", "gemini"];
    private static readonly string[] Keys = [FakeOpenAi.Token, FakeClaude.Key, FakeGemini.Key];

    [Fact]
    public async Task No_key_is_in_responses_in_the_log_and_in_the_data()
    {
        var path = "";
        await using var node = await SandboxNode.StartAsync(
            (sandbox, folder) =>
            {
                path = Path.Combine(folder.Path, "data");
                return new TestFleet()
                    .AddLanguageModel("openai", "openai", new Uri(sandbox.BaseUrl, "openai/v1"), FakeOpenAi.Model, Keys[0]).AddModel("openai", "openai")
                    .AddLanguageModel("claude", "claude", new Uri(sandbox.BaseUrl, "claude"), "claude-sonnet-4-6", Keys[1]).AddModel("claude", "claude")
                    .AddLanguageModel("gemini", "gemini", new Uri(sandbox.BaseUrl, "gemini"), "gemini-2.5-flash", Keys[2]).AddModel("gemini", "gemini")
                    .ToString();
            },
            arguments: ["--start-grace", "60s", "--log-level", "trace"]);
        var written = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var model in Models)
        {
            written[$"reply of {model}"] = await SendAsync(node, model, "chunks=9");
            written[$"refusal of {model}"] = await SendAsync(node, model, "early_error=400");
            written[$"broken reply of {model}"] = await SendAsync(node, model, "chunks=9 disconnect_after=4");
        }
        // Each key was used.
        Assert.Equal<string>(Keys, [node.Sandbox.OpenAi.Completions[^1].Token, node.Sandbox.Claude.Messages[^1].Key, node.Sandbox.Gemini.Calls[^1].Key]);
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        written["log"] = Encoding.UTF8.GetBytes(node.Node.Output);
        foreach (var file in Directory.GetFiles(path, "*", SearchOption.AllDirectories)) written[file] = await File.ReadAllBytesAsync(file, TestTimeout.Token);
        Assert.Contains(written, output => output.Key.EndsWith("grains.db", StringComparison.Ordinal));

        Assert.Empty(
            from output in written
            from key in Keys
            where output.Value.AsSpan().IndexOf(Encoding.UTF8.GetBytes(key)) >= 0 || output.Value.AsSpan().IndexOf(Encoding.Unicode.GetBytes(key)) >= 0
            select $"{key} is in {output.Key}");
    }

    private static async Task<byte[]> SendAsync(SandboxNode node, string model, string directives)
    {
        // A named conversation keeps its turns.
        using var response = await new ChatRequest(node.Http, null, model, directives).InConversation($"talk-{model}").AsStream().SendAsync();
        using var content = new MemoryStream();
        content.Write(Encoding.UTF8.GetBytes($"{response}\n"));
        try
        {
            await response.Content.CopyToAsync(content, TestTimeout.Token);
        }
        catch (HttpRequestException)
        {
            // A stream with an error in it is cut at its end.
        }
        return content.ToArray();
    }
}
