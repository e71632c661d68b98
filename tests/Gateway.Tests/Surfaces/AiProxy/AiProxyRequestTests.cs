using System.Text.Json;
using CozeCluster.Gateway.Surfaces.AiProxy;

namespace CozeCluster.Gateway.Tests.Surfaces.AiProxy;

public sealed class AiProxyRequestTests
{
    private const string Unused = """
        "stop":"","max_tokens":0,"temperature":"warm","tools":[{"type":"custom"}],"tool_choice":7,"response_format":[]
        """;

    [Fact]
    public void Read_Coze_IgnoresSettings() => Assert.Same(GenerationSettings.None, Read("coze", Unused).Settings);

    [Theory]
    [InlineData("claude")]
    [InlineData("gemini")]
    public void Read_LanguageModel_IgnoresToolsAndChecksTheRest(string provider)
    {
        var settings = Read(provider, """
            "max_tokens":5,"tools":[{"type":"custom"}],"tool_choice":7,"parallel_tool_calls":"no"
            """).Settings;

        Assert.Equal((5, 0, null), (settings.MaxOutputTokens, settings.Tools.Count, settings.ToolChoice));
        Assert.Equal("temperature", Assert.Throws<ClusterException>(() => Read(provider, "\"temperature\":9")).Param);
    }

    private static AiProxyRequest Read(string provider, string more)
    {
        using var body = JsonDocument.Parse($$"""{"messages":[{"role":"user","content":"Hi"}],{{more}}}""");
        return AiProxyRequestReader.Read(body.RootElement, provider);
    }
}
