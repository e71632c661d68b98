using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Tests.Shared;

/// <summary>Keys that are not this cluster's own, as a gateway in front of a model may repeat them.</summary>
public sealed class UpstreamTextTests
{
    [Theory]
    [InlineData("sk-proj-4fKd_93kdKDJ3-x")]
    [InlineData("sk-ant-api03-AbCd_EfGh-IjKl")]
    [InlineData("sk-abcd************wxyz")]
    [InlineData("AIza" + "SyA-1234567890abcdefghijklmnopqrstu")]
    [InlineData("AQ.Ab8RN6Jabcdefghijklm")]
    [InlineData("ya29.a0AfH6SMBabcdefgh")]
    [InlineData("xai-abcdefgh12345678")]
    [InlineData("gsk_abcdefgh12345678")]
    [InlineData("pat_AbCdEfGh12345678")]
    [InlineData("ccl_0123456789ABCDEFGHIJKLMNOPQRSTUV")]
    public void Clean_KeyOfAModelsServer_IsRemoved(string key)
    {
        foreach (var text in new[] { $"Incorrect API key provided: {key}. Find yours.", $"\"{key}\"", $"https://x.test/?key={key}&a=b", $"令牌{key} 无效" })
        {
            var cleaned = UpstreamText.Clean(text);
            Assert.DoesNotContain(key[^6..], cleaned);
            Assert.DoesNotContain(key[..8], cleaned);
        }
    }

    [Fact]
    public void Remove_CredentialOfARequest_IsRemovedWhileItIsUsed()
    {
        const string Canary = "canary/of+an=own~key";
        var filter = new SecretFilter();
        using (new RequestCredentials(new TestSeal()).Use(new RequestCredential { Upstream = "openai", Value = Canary }))
            Assert.Equal("I heard (token).", filter.Remove($"I heard {Canary}."));
        Assert.Equal($"I heard {Canary}.", filter.Remove($"I heard {Canary}."));
    }

    [Theory]
    [InlineData("This is a risk-averse task-oriented sk-learn text")]
    [InlineData("The model gpt-4o-2024-08-06 does not exist")]
    [InlineData("Aizawa asked: AQ. Then hf_x?")]
    public void Clean_OtherWords_Stay(string text) => Assert.Equal(text, UpstreamText.Clean(text));
}
