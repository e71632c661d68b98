using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ChatStreamTests
{
    [Fact]
    public async Task Stream_Plain_HasAllEventsInOrder()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("Good morning");

        // Repeated events of the same kind count once.
        var order = events.Select(e => e.Name == CozeEvents.MessageCompleted ? e["type"]! : e.Name).ToList();
        var kinds = order.Where((name, i) => i == 0 || order[i - 1] != name);
        string[] expected =
            [CozeEvents.Created, CozeEvents.InProgress, CozeEvents.Delta, "answer", "verbose", "follow_up", CozeEvents.Completed, CozeEvents.Done];
        Assert.Equal(expected, kinds);
        Assert.True(events.Count(e => e.Name == CozeEvents.Delta) > 3);
        Assert.Equal(3, events.Messages("follow_up").Count);
        Assert.Equal("\"[DONE]\"", events[^1].Data);
    }

    [Fact]
    public async Task Stream_Plain_EchoesThePrompt()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("Good morning, \"Köln\" 🚀");

        Assert.Contains("Good morning, \"Köln\" 🚀", events.Text());
        Assert.Equal(events.Text(), events.Messages("answer").Single()["content"]);
        Assert.Equal(events.Text(), client.Coze.Chats.Single().Answers.Single());
    }

    [Fact]
    public async Task Stream_Plain_ContainsIdsStatusAndUsage()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("Hello");

        var completed = events.One(CozeEvents.Completed).Json;
        var chat = client.Coze.Chats.Single();
        Assert.Equal(chat.Id, (string?)completed["id"]);
        Assert.Equal(chat.ConversationId, (string?)completed["conversation_id"]);
        Assert.Equal("completed", (string?)completed["status"]);
        Assert.Equal(0, (int)completed["last_error"]!["code"]!);
        var usage = completed["usage"]!;
        Assert.Equal((int)usage["token_count"]!, (int)usage["input_count"]! + (int)usage["output_count"]!);
        Assert.Equal("created", events.One(CozeEvents.Created)["status"]);
        Assert.All(events.Where(e => e.Name == CozeEvents.Delta), e => Assert.Equal(chat.Id, e["chat_id"]));
        Assert.Equal(CozeChatStatus.Completed, chat.Status);
    }

    [Fact]
    public async Task Stream_Plain_IsAnEventStreamWithALogId()
    {
        await using var client = await CozeClient.StartAsync();
        await using var stream = await client.OpenAsync("Hello");

        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType?.MediaType);
        Assert.NotEmpty(stream.Response.Headers.GetValues("x-tt-logid").Single());
    }

    [Fact]
    public async Task Stream_GeneratedText_HasTheGivenNumberAndSizeOfDeltas()
    {
        await using var client = await CozeClient.StartAsync();

        var deltas = (await client.StreamAsync("[[chunks=7 chunk=5]]")).Where(e => e.Name == CozeEvents.Delta).ToList();

        Assert.Equal(7, deltas.Count);
        Assert.All(deltas, d => Assert.Equal(5, d["content"]!.Length));
        Assert.Equal(7, client.Coze.Chats.Single().DeltasSent);
    }

    [Fact]
    public async Task Stream_UnicodeText_ArrivesUnchanged()
    {
        await using var client = await CozeClient.StartAsync();

        var text = (await client.StreamAsync("[[text=unicode chunks=300 chunk=1 seed=5]]")).Text();

        Assert.Equal(client.Coze.Chats.Single().Answers.Single(), text);
        Assert.Contains("🚀", text);
        Assert.Contains("\"quoted\"", text);
        Assert.DoesNotContain('\uFFFD', text);
    }

    [Fact]
    public async Task Stream_SameSeed_HasTheSameText()
    {
        await using var client = await CozeClient.StartAsync();

        var first = (await client.StreamAsync("[[chunks=20 seed=1]]")).Text();
        var again = (await client.StreamAsync("[[chunks=20 seed=1]]")).Text();
        var other = (await client.StreamAsync("[[chunks=20 seed=2]]")).Text();

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public async Task Stream_Say_HasExactlyThatText()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("""[[say="line one\nline \"two\"" chunk=3]]""");

        Assert.Equal("line one\nline \"two\"", events.Text());
    }

    [Fact]
    public async Task Stream_TwoAnswers_HaveDifferentIdsAndOneFinishMessage()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[answers=2 chunks=4]]");

        var answers = events.Messages("answer");
        Assert.Equal(2, answers.Count);
        Assert.NotEqual(answers[0]["id"], answers[1]["id"]);
        foreach (var answer in answers)
            Assert.Equal(answer["content"], events.Where(e => e.Name == CozeEvents.Delta && e["id"] == answer["id"]).Text());
        var finish = events.Messages("verbose").Single();
        Assert.Equal("generate_answer_finish", (string?)JsonNode.Parse(finish["content"]!)!["msg_type"]);
        Assert.True(events.IndexOf(finish) > events.IndexOf(answers[1]));
    }

    [Fact]
    public async Task Stream_NoAnswers_CompletesWithoutText()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[answers=0]]");

        Assert.Empty(events.Messages("answer"));
        Assert.Equal("completed", events.One(CozeEvents.Completed)["status"]);
    }

    [Fact]
    public async Task Stream_Reasoning_IsBeforeTheTextInItsOwnField()
    {
        await using var client = await CozeClient.StartAsync();

        var deltas = (await client.StreamAsync("[[reasoning=3 chunks=2]]")).Where(e => e.Name == CozeEvents.Delta).ToList();

        Assert.Equal(5, deltas.Count);
        Assert.All(deltas[..3], d => Assert.True(d["content"] == "" && d["reasoning_content"]!.Length > 0));
        Assert.All(deltas[3..], d => Assert.Null(d["reasoning_content"]));
    }

    [Fact]
    public async Task Stream_KnowledgeToolsAndVerbose_AreCompletedMessagesInOrder()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[knowledge tool=weather,news verbose followups=0]]");

        var types = events.Where(e => e.Name == CozeEvents.MessageCompleted).Select(e => e["type"]);
        Assert.Equal(["verbose", "function_call", "tool_response", "function_call", "tool_response", "answer", "verbose", "verbose"], types);
        Assert.Equal("knowledge_recall", (string?)JsonNode.Parse(events.Messages("verbose")[0]["content"]!)!["msg_type"]);
        Assert.Equal("news", (string?)JsonNode.Parse(events.Messages("function_call")[1]["content"]!)!["name"]);
    }

    [Fact]
    public async Task Stream_Image_IsAMarkdownLinkToAnImage()
    {
        await using var client = await CozeClient.StartAsync();

        var text = (await client.StreamAsync("[[image]]")).Text();

        var url = text[(text.LastIndexOf('(') + 1)..text.LastIndexOf(')')];
        using var picture = await client.Http.GetAsync(url, client.TimeoutToken);
        Assert.Equal("image/png", picture.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Stream_Card_IsAnAnswerWithContentTypeCard()
    {
        await using var client = await CozeClient.StartAsync();

        var answers = (await client.StreamAsync("[[card]]")).Messages("answer");

        Assert.Equal(["text", "card"], answers.Select(a => a["content_type"]));
    }

    [Fact]
    public async Task Stream_Audio_ContinuesAfterTheChatIsCompleted()
    {
        await using var client = await CozeClient.StartAsync();

        var names = (await client.StreamAsync("[[audio=2]]")).Select(e => e.Name).ToList();

        Assert.Equal(2, names.Count(n => n == CozeEvents.Audio));
        Assert.True(names.LastIndexOf(CozeEvents.Audio) > names.IndexOf(CozeEvents.Completed));
    }

    [Fact]
    public async Task Stream_Rewrite_CompletesWithAnotherText()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[rewrite say=hello]]");

        Assert.Equal("hello", events.Text());
        Assert.Equal("Rewritten: hello", events.Messages("answer").Single()["content"]);
    }

    [Fact]
    public async Task Stream_UnknownDirective_IsNamedInTheAnswer()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Contains("unknown directive 'frobnicate'", (await client.StreamAsync("[[pace=0 frobnicate=1]]")).Text());
    }

    [Theory]
    [InlineData("Hello", true)]
    [InlineData("Hello [[pace=0]]", false)]
    [InlineData("Hello [[chunks=20]]", false)]
    [InlineData("Hello [[say=something]]", false)]
    public async Task Stream_EchoPace_IsForEchoesOnly(string prompt, bool isPaced)
    {
        var time = new ManualTime();
        var start = time.GetUtcNow();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time, EchoPace = TimeSpan.FromSeconds(1) });

        var reading = client.StreamAsync(prompt);
        while (!reading.IsCompleted)
        {
            if (time.ArmedTimers > 0) time.Advance(TimeSpan.FromSeconds(1));
            else await Task.Yield();
        }

        var deltas = (await reading).Count(e => e.Name == CozeEvents.Delta);
        Assert.Equal(TimeSpan.FromSeconds(isPaced ? deltas : 0), time.GetUtcNow() - start);
    }

    [Fact]
    public async Task Stream_Ask_RequiresAReplyOfTheUserWithoutAFunction()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[ask=\"Which city?\"]]");

        Assert.Equal("Which city?", events.Messages("answer").Single()["content"]);
        var call = events.One("conversation.chat.requires_action").Json["required_action"]!["submit_tool_outputs"]!["tool_calls"]![0]!.AsObject();
        Assert.Equal("reply_message", (string?)call["type"]);
        Assert.True(call.ContainsKey("function"));
        Assert.Null(call["function"]);
    }

    [Fact]
    public async Task Stream_DirectiveInObjectString_IsApplied()
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("");
        body["additional_messages"]![0]!["content_type"] = "object_string";
        body["additional_messages"]![0]!["content"] = """[{"type":"image","file_url":"https://x.test/a.png"},{"type":"text","text":"[[say=seen]]"}]""";

        Assert.Equal("seen", (await client.StreamAsync("v3/chat", body)).Text());
    }

    [Fact]
    public async Task Stream_ManyAtOnce_AllArriveUnchanged()
    {
        await using var client = await CozeClient.StartAsync();

        var texts = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => client.StreamAsync($"[[pace=5ms chunks=20 text=unicode seed={i} followups=0]]")));

        var sent = client.Coze.Chats.Select(c => c.Answers.Single()).Order(StringComparer.Ordinal);
        Assert.Equal(sent, texts.Select(t => t.Text()).Order(StringComparer.Ordinal));
    }
}
