namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>What a fleet file says of language models only: keys of clients, and tasks besides chat.</summary>
public sealed class LanguageModelFleetTests
{
    private const string Text = """
        tenants:
          - id: acme
            keys: [{ name: app, key: key-of-acme }]
        accounts:
          - { id: own, upstream: openai, credentials: request }
          - { id: other, upstream: openai, credentials: request, base_url: "https://other.example/v1" }
          - { id: paid, upstream: openai, token: sk-of-the-operator }
          - { id: coze, upstream: coze, token: pat_secret_1 }
        bots:
          - { id: gpt, upstream: openai, bot_id: gpt-5, accounts: [own, paid] }
          - { id: vectors, upstream: openai, bot_id: v, accounts: [paid], task: embeddings }
          - { id: elsewhere, upstream: openai, bot_id: gpt-5, accounts: [other] }
          - { id: helper, upstream: coze, bot_id: 7345678901234567890, accounts: [coze] }
        models:
          - { id: gpt, bots: [gpt], fallback: [helper] }
          - { id: vectors, bots: [vectors] }
          - { id: elsewhere, bots: [elsewhere] }
        """;

    [Fact]
    public void Read_ValidFile_ReturnsCredentialsAndTasks()
    {
        var result = SampleFleet.Read(Text);

        Assert.Empty(result.Problems);
        var fleet = result.File!;
        Assert.Equal([true, true, false, false], fleet.Accounts.Select(account => account.Definition.CredentialFromRequest));
        Assert.Null(fleet.Accounts[0].Token);
        Assert.Equal([ModelTask.Chat, ModelTask.Embeddings, ModelTask.Chat, ModelTask.Chat], fleet.Bots.Select(bot => bot.Task));
    }

    [Theory]
    [InlineData("credentials: request }", "credentials: client }",
        "5:47: accounts[0].credentials: Expected request: every request brings its own credential.")]
    [InlineData("credentials: request }", "credentials: request, token: sk-1 }",
        "5:5: accounts[0]: Expected exactly one of 'token', 'token_file' and 'credentials', found 2.")]
    [InlineData("token: sk-of-the-operator", "max_concurrent_turns: 3",
        "7:5: accounts[2]: Expected exactly one of 'token', 'token_file' and 'credentials', found none.")]
    [InlineData("token: pat_secret_1", "token: pat_secret_1, credentials: request",
        "8:67: accounts[3].credentials: Only accounts of language models can take credentials from requests.")]
    [InlineData("task: embeddings", "task: images", "11:73: bots[1].task: Expected chat, embeddings or moderations.")]
    [InlineData("accounts: [coze]", "accounts: [coze], task: embeddings",
        "13:88: bots[3].task: Only bots of the upstream 'openai' have other tasks than chat.")]
    [InlineData("fallback: [helper]", "fallback: [elsewhere]",
        "15:11: models[0].id: The accounts of this model that take credentials of requests for 'openai' have different base URLs. "
        + "A client's credential would be sent to servers that it is not for. Use a model for each server.")]
    public void Read_Mistake_IsReported(string old, string @new, string expected)
    {
        var at = Text.IndexOf(old, StringComparison.Ordinal);
        var result = SampleFleet.Read(Text[..at] + @new + Text[(at + old.Length)..]);

        Assert.Equal(expected, string.Join('|', result.Problems.Select(problem => $"{problem.Line}:{problem.Column}: {problem.Path}: {problem.Message}")));
    }
}
